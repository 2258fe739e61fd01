import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { LaresError } from '../../../shared/base/errors.ts'

const USERNAME = 'admin'

/** Basic authentication (RFC 7617) as `admin`, like OpenFaaS. Errors: `unauthorized`. */
export function basicAuthHook(password: string): (request: FastifyRequest) => Promise<void> {
  const expected = sha256(`${USERNAME}:${password}`)
  return async ({ headers }) => {
    const [, encoded = ''] = /^Basic (.+)$/i.exec(headers.authorization ?? '') ?? []
    // Digests have the same length, whatever the client sent.
    if (timingSafeEqual(sha256(Buffer.from(encoded, 'base64').toString()), expected)) return
    throw new LaresError(
      'unauthorized',
      'sign in as admin: faas-cli login --password-stdin, with PROVIDER_PASSWORD',
    )
  }
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()
