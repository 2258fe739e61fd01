import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { LaresError } from '../base/errors.ts'
import type { Environment } from '../config/environment.ts'
import { type InFlightRecord, inFlightRecordSchema } from './in-flight.ts'
import type { ConnectorStatus } from './operations.ts'

/** The connectors' own reports to operators. */
export type ConnectorView = {
  /**
   * The unfinished records of a conversation. Undefined if no connector can be asked: then only the log shows the
   * state.
   */
  inFlight(conversation: string): Promise<InFlightRecord[] | undefined>
  /** Undefined if no connector's address is known. */
  status(): Promise<ConnectorStatus | undefined>
}

const RESPONSE_TIMEOUT_MS = 2_000
const inFlightResponseSchema = z.object({ inFlight: z.array(inFlightRecordSchema) })

/**
 * Asks the connectors at their admin ports. The address is LARES_CONNECTOR_URL, or the one that the supervisor of `npm
 * run start:kafka` wrote to a file. A name with several addresses stands for several connectors; each of them is asked.
 */
export function openConnectorView({ connectorUrl, dataDirectory }: Environment): ConnectorView {
  const urls = async () => {
    const url = connectorUrl ?? (await readConnectorUrl(dataDirectory))
    return url === undefined ? undefined : await addressesOf(url)
  }
  return {
    async inFlight(conversation) {
      const query = new URLSearchParams({ conversation })
      const asked = (await urls().catch(() => undefined)) ?? []
      const answers = await Promise.all(
        asked.map(url => get(`${url}/in-flight?${query}`).catch(() => undefined)),
      )
      const found = answers.flatMap(answer => inFlightResponseSchema.safeParse(answer).data ?? [])
      return found.length === 0 ? undefined : found.flatMap(({ inFlight }) => inFlight)
    },
    async status() {
      try {
        const known = await urls()
        if (known === undefined) return undefined
        await Promise.all(known.map(url => get(`${url}/healthz`)))
        return {}
      } catch (error) {
        return { problem: (error as Error).message }
      }
    },
  }
}

async function readConnectorUrl(dataDirectory: string): Promise<string | undefined> {
  const text = await readFile(join(dataDirectory, 'run', 'connector.url'), 'utf8').catch(() => undefined)
  return text?.trim()
}

/** One URL for each address of the host name: a headless Service of Kubernetes has one for each pod. */
async function addressesOf(url: string): Promise<string[]> {
  const { protocol, hostname, port } = new URL(url)
  const addresses = await lookup(hostname.replace(/^\[|\]$/g, ''), { all: true }).catch(cause => {
    throw new LaresError('unavailable', `no connector runs at ${url}: ${cause.message}`, { cause })
  })
  return addresses.map(
    ({ address, family }) => `${protocol}//${family === 6 ? `[${address}]` : address}:${port}`,
  )
}

async function get(url: string): Promise<unknown> {
  const { host } = new URL(url)
  const response = await fetch(url, { signal: AbortSignal.timeout(RESPONSE_TIMEOUT_MS) }).catch(cause => {
    const isFrozen = cause.name === 'TimeoutError'
    const reason = isFrozen
      ? `no answer within ${RESPONSE_TIMEOUT_MS / 1_000} s`
      : 'the connection is refused'
    throw new LaresError(
      'unavailable',
      `the connector at ${host} does not answer (${reason}), so no event is handled: start it again, and look at its log`,
      { cause },
    )
  })
  if (response.ok) return await response.json()
  throw new LaresError('unavailable', `the connector at ${host} answered ${response.status}`)
}
