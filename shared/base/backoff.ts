/** `baseMs`: the wait after the first failure, which doubles with each further one up to `maxMs`. */
export type Backoff = { baseMs: number; maxMs: number }

/** Beyond this many failures the wait grows no more: doubling on would leave the range of numbers. */
const MAX_DOUBLINGS = 20

/** The wait in milliseconds after the given number of failures in a row, from 1. */
export const backoffMs = (failures: number, { baseMs, maxMs }: Backoff): number =>
  Math.min(baseMs * 2 ** Math.min(failures - 1, MAX_DOUBLINGS), maxMs)

/**
 * The same with equal jitter: half of it is fixed and half random, so that clients that failed together do not come back
 * together (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). `random` is in [0, 1).
 */
export function jitteredBackoffMs(failures: number, backoff: Backoff, random: () => number): number {
  const ms = backoffMs(failures, backoff)
  return ms / 2 + (ms / 2) * random()
}
