/** `baseMs` is the wait after the first failure. The wait doubles with each further failure, up to `maxMs`. */
export type Backoff = { baseMs: number; maxMs: number }

/** The wait stops growing after this many failures: further doubling would leave the range of numbers. */
const MAX_DOUBLINGS = 20

/** The wait in milliseconds after the given number of failures in a row, from 1. */
export const backoffMs = (failures: number, { baseMs, maxMs }: Backoff): number =>
  Math.min(baseMs * 2 ** Math.min(failures - 1, MAX_DOUBLINGS), maxMs)

/**
 * The same wait with equal jitter: one half is fixed and one half random. So clients that failed together do not retry
 * together (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). `random` is in [0, 1).
 */
export function jitteredBackoffMs(failures: number, backoff: Backoff, random: () => number): number {
  const ms = backoffMs(failures, backoff)
  return ms / 2 + (ms / 2) * random()
}
