import * as z from 'zod'

/** The connector's policy for retrying an event. A manifest declares the members that differ from the default. */
export const retryPolicySchema = z.strictObject({
  /** Attempts of an event that the function received and failed. */
  maxAttempts: z.int().positive(),
  /**
   * How long an event waits for a function that is unreachable, answers `unavailable` or is too busy. The time counts
   * from the event's arrival from the bus. The connector makes at least `maxAttempts` attempts, however long the event
   * has waited in the queue. This is also the longest Retry-After that the connector heeds.
   */
  giveUpAfterMs: z.int().positive(),
  /** The wait after the first failure; it doubles with each. Also the wait for a bus that does not accept events. */
  baseDelayMs: z.int().positive(),
  /** The longest wait after a failure. */
  maxDelayMs: z.int().positive(),
  /** The longest wait after the function was unreachable. */
  maxUnreachableDelayMs: z.int().positive(),
})
export type RetryPolicy = z.infer<typeof retryPolicySchema>

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  maxAttempts: 5,
  giveUpAfterMs: 600_000,
  baseDelayMs: 500,
  maxDelayMs: 10_000,
  maxUnreachableDelayMs: 2_000,
}
