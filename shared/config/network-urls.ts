import { isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'

const ANY_HOST = new Set(['0.0.0.0', '::'])

/**
 * The URLs at which other devices reach a server that listens on every address of this machine. Empty for any other
 * `host`.
 */
export function networkUrls(host: string, port: number): string[] {
  if (!ANY_HOST.has(host)) return []
  const addresses = Object.values(networkInterfaces()).flatMap(list => list ?? [])
  return addresses
    .filter(
      ({ internal, address, scopeid = 0 }) =>
        !internal && scopeid === 0 && (host === '::' || !isIPv6(address)),
    )
    .map(({ address }) => `http://${isIPv6(address) ? `[${address}]` : address}:${port}`)
}
