import { setTimeout as wait } from 'node:timers/promises'
import { request } from 'undici'
import { LaresError } from '../../../shared/base/errors.ts'

const START_TIMEOUT_MS = 60_000
const RESPONSE_TIMEOUT_MS = 2_000
const MIN_POLL_INTERVAL_MS = 2
const MAX_POLL_INTERVAL_MS = 100

export type StartingContainer = {
  origin: string
  /** Resolves with the exit code when the container ends; with undefined when the code is not known. */
  ended: Promise<number | undefined>
  /** The last lines that the container printed. */
  tail(): Promise<string>
}

/** Resolves when the function answers. Errors: `unavailable` with the container's last output, or after `timeoutMs`. */
export async function untilReady(
  { origin, ended, tail }: StartingContainer,
  timeoutMs = START_TIMEOUT_MS,
): Promise<void> {
  let exitCode: number | undefined
  const exited = ended.then(code => {
    exitCode = code
    return false
  })
  const deadline = performance.now() + timeoutMs
  let pollIntervalMs = MIN_POLL_INTERVAL_MS
  for (;;) {
    // An ended container no longer has an address, and a connection to it would wait for a long time.
    if (exitCode === undefined && (await Promise.race([isReady(origin), exited]))) return
    if (exitCode !== undefined)
      throw new LaresError('unavailable', `it ended with ${exitCode}: ${await tail()}`)
    if (performance.now() > deadline)
      throw new LaresError('unavailable', `it was not ready within ${timeoutMs / 1_000} s`)
    await Promise.race([wait(pollIntervalMs), ended])
    pollIntervalMs = Math.min(pollIntervalMs * 1.05, MAX_POLL_INTERVAL_MS)
  }
}

/** Whether a resumed container answers within `timeoutMs`. */
export async function respondsAgain(origin: string, timeoutMs = RESPONSE_TIMEOUT_MS): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (performance.now() < deadline) {
    if (await isReady(origin)) return true
    await wait(MIN_POLL_INTERVAL_MS)
  }
  return false
}

/** A function that implements another contract lacks the health page, so any answer is enough. */
async function isReady(origin: string): Promise<boolean> {
  const response = await request(`${origin}/_/ready`, { headersTimeout: RESPONSE_TIMEOUT_MS }).catch(
    () => undefined,
  )
  await response?.body.dump()
  return response !== undefined && (response.statusCode < 300 || response.statusCode === 404)
}
