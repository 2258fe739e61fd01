import { setTimeout as wait } from 'node:timers/promises'
import type { Environment } from '../../shared/config/environment.ts'
import { readOwnerToken } from '../cli/connection.ts'
import { fetchReadiness } from '../cli/operations/readiness.ts'

const POLL_INTERVAL_MS = 500

/**
 * Prints the link when messages are answered. The gateway's own link scrolls away among the log lines of a start; this
 * one comes last.
 */
export async function printLinkWhenReady(environment: Environment, signal: AbortSignal): Promise<void> {
  const { gatewayUrl, token, dataDirectory } = environment
  while (!signal.aborted) {
    const isReady = await fetchReadiness(gatewayUrl).then(
      ({ ready }) => ready,
      () => false,
    )
    if (isReady) break
    await wait(POLL_INTERVAL_MS, undefined, { signal }).catch(() => undefined)
  }
  if (signal.aborted) return
  const owner = token ?? (await readOwnerToken(dataDirectory))
  process.stdout.write(
    `Lares is ready after ${Math.round(performance.now())} ms.\nOpen ${gatewayUrl}/?token=${owner}\n`,
  )
}
