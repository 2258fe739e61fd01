import { LaresError, toLaresError } from '../../shared/base/errors.ts'
import type { Logger } from '../../shared/base/log.ts'

/**
 * Remembers that the bus is down. While it is, the breaker checks by itself whether the bus is back, so that no message
 * waits in vain.
 */
export type CircuitBreaker = {
  /**
   * Runs the work, unless the breaker knows that it would fail. Errors: `unavailable`, with the time to wait; those of
   * the work.
   */
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
