import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { LaresError } from '../../shared/base/errors.ts'
import type { Environment } from '../../shared/config/environment.ts'
import { type GatewayClient, openGatewayClient } from './gateway-client.ts'

const sessionSchema = z.object({ person: z.string() })

/**
 * Connects to the gateway with the owner's token: LARES_TOKEN, or the one that the gateway has made.
 * Errors: `unavailable` when no gateway answers, `unauthorized` when it refuses the token.
 */
export async function connectToGateway({
  gatewayUrl,
  token,
  dataDirectory,
}: Environment): Promise<GatewayClient> {
  const client = openGatewayClient({ url: gatewayUrl, token: token ?? (await readOwnerToken(dataDirectory)) })
  await client.request('/api/session', sessionSchema)
  return client
}

/** The token that the gateway has made. Errors: `unauthorized`, with the remedy. */
export async function readOwnerToken(home: string): Promise<string> {
  const file = join(home, 'token')
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : 'cannot be read'
    throw new LaresError(
      'unauthorized',
      `${file} ${reason}: start the gateway with "npm start", which makes it; or set LARES_TOKEN, or LARES_HOME to the gateway's data directory`,
      { cause },
    )
  }
}
