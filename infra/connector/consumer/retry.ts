import { jitteredBackoffMs } from '../../../shared/base/concurrency/backoff.ts'
import type { LaresError } from '../../../shared/base/errors.ts'
import type { RetryPolicy } from '../../../shared/contract/retry-policy.ts'

/**
 * The attempts of one event so far, and its arrival. The function took the event in `failures`, and not in
 * `unreachable`.
 */
export type Attempts = { receivedAtMs: number; failures: number; unreachable: number }

/**
 * An absent, starting or full function has not failed the event, nor has a function that cannot reach its dependencies:
 * the event waits (promise P4).
 */
const isUnreachable = (error: LaresError) => error.code === 'unavailable' || error.code === 'busy'

/** Counts the failure and returns the wait before the next attempt in ms, or `last`. `random` is in [0, 1). */
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
  const maxMs = unreachable ? policy.maxUnreachableDelayMs : policy.maxDelayMs
  const retryAfterMs = Math.min(error.retryAfterMs ?? 0, policy.giveUpAfterMs)
  return Math.max(retryAfterMs, jitteredBackoffMs(count, { baseMs: policy.baseDelayMs, maxMs }, random))
}
