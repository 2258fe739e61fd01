import { LaresError } from '../base/errors.ts'
import type { FunctionDirectory } from './function-directory.ts'

const PROBE_TIMEOUT_MS = 5_000

/**
 * Asks a function for its manifest to check that it answers, if its URL is known. Errors: `unavailable` with the
 * reason.
 */
export const openFunctionProbe =
  ({ urlOf, hasUrl }: FunctionDirectory) =>
  async (name: string): Promise<void> => {
    if (!hasUrl(name)) return
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS)
    const response = await fetch(`${urlOf(name).replace(/\/$/, '')}/_/manifest`, { signal }).catch(cause => {
      const { message, cause: reason } = cause as Error & { cause?: Error }
      throw new LaresError('unavailable', `${name} cannot be reached: ${reason?.message ?? message}`, {
        cause,
      })
    })
    await response.body?.cancel()
    if (!response.ok) throw new LaresError('unavailable', `${name} answered ${response.status}`)
  }
