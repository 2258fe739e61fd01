import type { LaresError } from '../../../shared/base/errors.ts'

export type RetryPolicy = {
  /** Tries of an event that its function took and failed. */
  maxAttempts: number
  /**
   * How long an event waits for a function that cannot be reached or is too busy, since it came from the bus; it is
   * tried at least `maxAttempts` times, however long it waited for its turn. Also the longest Retry-After that is heeded.
   */
  giveUpAfterMs: number
  /** The wait after the first failure; it doubles with each. Also the wait for a bus that does not take events. */
  baseDelayMs: number
  /** The longest wait after a failure, and after finding the function away. */
  maxDelayMs: number
  maxUnreachableDelayMs: number
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  maxAttempts: 5,
  giveUpAfterMs: 600_000,
  baseDelayMs: 500,
  maxDelayMs: 10_000,
  maxUnreachableDelayMs: 2_000,
}

/** The tries of one event so far, and when it came. `failures` are those that the function took; `unreachable` those it never saw. */
export type Attempts = { receivedAtMs: number; failures: number; unreachable: number }

/** A function that is not there, starting, or full has not failed the event: it waits (promise P4). */
const isUnreachable = (error: LaresError) => error.code === 'unavailable' || error.code === 'busy'

/** Counts the failure and tells how long to wait for the next try, or that this was the last. `random` is in [0, 1). */
export function recordFailure(
  attempts: Attempts,
  error: LaresError,
  policy: RetryPolicy,
  nowMs: number,
  random: () => number,
): number | 'last' {
  if (!error.retryable) {
    attempts.failures++
    return 'last'
  }
  const unreachable = isUnreachable(error)
  const count = unreachable ? ++attempts.unreachable : ++attempts.failures
  if (count >= policy.maxAttempts && (!unreachable || nowMs - attempts.receivedAtMs >= policy.giveUpAfterMs))
    return 'last'
  // Half fixed, half random (equal jitter), so that what failed together does not come back together.
  const backoff = Math.min(
    policy.baseDelayMs * 2 ** Math.min(count - 1, 20),
    unreachable ? policy.maxUnreachableDelayMs : policy.maxDelayMs,
  )
  const retryAfterMs = Math.min(error.retryAfterMs ?? 0, policy.giveUpAfterMs)
  return Math.max(retryAfterMs, backoff / 2 + (backoff / 2) * random())
}
