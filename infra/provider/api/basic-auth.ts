import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { LaresError } from '../../../shared/base/errors.ts'

const USER = 'admin'

/** Basic authentication (RFC 7617) as `admin`, as OpenFaaS has it. Errors: `unauthorized`. */
export function openGuard(password: string): (request: FastifyRequest) => Promise<void> {
  const expected = digest(`${USER}:${password}`)
  return async ({ headers }) => {
    const [, encoded = ''] = /^Basic (.+)$/i.exec(headers.authorization ?? '') ?? []
    // Digests are as long as each other, whatever was sent.
    if (timingSafeEqual(digest(Buffer.from(encoded, 'base64').toString()), expected)) return
    throw new LaresError(
      'unauthorized',
      'sign in as admin: faas-cli login --password-stdin, with PROVIDER_PASSWORD',
    )
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
