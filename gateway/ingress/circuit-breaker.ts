import { LaresError, toLaresError } from '../../shared/base/errors.ts'
import type { Logger } from '../../shared/base/log.ts'

/**
 * Remembers that what messages are put into is down. While it is, it asks by itself whether it is back, and nobody's
 * message waits for it in vain.
 */
export type CircuitBreaker = {
  /** Runs the work, unless it is known to be in vain. Errors: `unavailable`, with when to come again; those of the work. */
  run<T>(work: () => Promise<T>): Promise<T>
  close(): void
}

/** `check` rejects with the reason as long as work would fail. */
export function createCircuitBreaker(
  check: () => Promise<unknown>,
  log: Logger,
  recheckMs = 1_000,
): CircuitBreaker {
  let failure: LaresError | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false
  const recheck = async () => {
    try {
      await check()
      failure = undefined
      log.info({}, 'messages are taken in again')
    } catch (error) {
      failure = toLaresError(error)
      scheduleRecheck()
    }
  }
  const scheduleRecheck = () => {
    if (!closed) timer = setTimeout(() => void recheck(), recheckMs)
  }
  const trip = (error: LaresError) => {
    if (failure) return
    failure = error
    log.warn({ err: error }, 'messages are refused until this is over')
    scheduleRecheck()
  }
  return {
    async run(work) {
      if (failure)
        throw new LaresError('unavailable', failure.message, { cause: failure, retryAfterMs: 2 * recheckMs })
      try {
        return await work()
      } catch (error) {
        if (error instanceof LaresError && error.code === 'unavailable') trip(error)
        throw error
      }
    },
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}
