import type { LaresError } from '../../../shared/base/errors.ts'

export type RetryPolicy = {
  /** Tries of an event that its function took and failed. */
  maxTries: number
  /**
   * How long an event waits for a function that cannot be reached or is too busy, since it came from the bus; it is
   * tried at least `maxTries` times, however long it waited for its turn. Also the longest Retry-After that is heeded.
   */
  giveUpAfterMs: number
  /** The wait after the first failure; it doubles with each. Also the wait for a bus that does not take events. */
  baseMs: number
  /** The longest wait after a failure, and after finding the function away. */
  maxMs: number
  maxAwayMs: number
}

export const DEFAULT_RETRY: RetryPolicy = {
  maxTries: 5,
  giveUpAfterMs: 600_000,
  baseMs: 500,
  maxMs: 10_000,
  maxAwayMs: 2_000,
}

/** The tries of one event so far, and when it came. `failures` are those that the function took; `away` those it never saw. */
export type Tries = { firstAtMs: number; failures: number; away: number }

/** A function that is not there, starting, or full has not failed the event: it waits (promise P4). */
const isAway = (error: LaresError) => error.code === 'unavailable' || error.code === 'busy'

/** Counts the failure and tells how long to wait for the next try, or that this was the last. `random` is in [0, 1). */
export function nextTry(
  tries: Tries,
  error: LaresError,
  policy: RetryPolicy,
  nowMs: number,
  random: () => number,
): number | 'last' {
  if (!error.retryable) {
    tries.failures++
    return 'last'
  }
  const away = isAway(error)
  const count = away ? ++tries.away : ++tries.failures
  if (count >= policy.maxTries && (!away || nowMs - tries.firstAtMs >= policy.giveUpAfterMs)) return 'last'
  // Half fixed, half random (equal jitter), so that what failed together does not come back together.
  const backoff = Math.min(
    policy.baseMs * 2 ** Math.min(count - 1, 20),
    away ? policy.maxAwayMs : policy.maxMs,
  )
  const asked = Math.min(error.retryAfterMs ?? 0, policy.giveUpAfterMs)
  return Math.max(asked, backoff / 2 + (backoff / 2) * random())
}
