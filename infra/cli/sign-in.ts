import type { Environment } from '../../shared/config/environment.ts'
import { networkUrls } from '../../shared/config/network-urls.ts'
import { readOwnerToken } from './connection.ts'
import { print } from './terminal.ts'

/** `lares token`: prints the owner's token. Errors: `unauthorized` before the gateway has made one. */
export async function tokenCommand({ token, dataDirectory }: Environment): Promise<number> {
  print(token ?? (await readOwnerToken(dataDirectory)))
  return 0
}

/** `lares link`: prints the links that `npm start` prints, which open the page signed in. Errors: as above. */
export async function linkCommand(environment: Environment): Promise<number> {
  const { token, dataDirectory, gatewayUrl, host, port } = environment
  const owner = token ?? (await readOwnerToken(dataDirectory))
  for (const url of [gatewayUrl, ...networkUrls(host, port)]) print(`${url}/?token=${owner}`)
  return 0
}
