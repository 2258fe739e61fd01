import { LaresError } from './errors.ts'

/** Waits for `work`, but no longer than `limitMs`. Errors: `unavailable`, which says what was waited for. */
export async function within<T>(limitMs: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new LaresError('unavailable', `${what} did not answer within ${limitMs / 1000} s`)),
      limitMs,
    )
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
