import { LaresError, toLaresError } from '../../shared/base/errors.ts'
import type { Log } from '../../shared/base/log.ts'

/**
 * Remembers that what messages are put into is down. While it is, it asks by itself whether it is back, and nobody's
 * message waits for it in vain.
 */
export type Breaker = {
  /** Runs the work, unless it is known to be in vain. Errors: `unavailable`, with when to come again; those of the work. */
  run<T>(work: () => Promise<T>): Promise<T>
  close(): void
}

/** `check` rejects with the reason as long as work would fail. */
export function openBreaker(check: () => Promise<unknown>, log: Log, recheckMs = 1_000): Breaker {
  let down: LaresError | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false
  const recheck = async () => {
    try {
      await check()
      down = undefined
      log.info({}, 'messages are taken in again')
    } catch (error) {
      down = toLaresError(error)
      askLater()
    }
  }
  const askLater = () => {
    if (!closed) timer = setTimeout(() => void recheck(), recheckMs)
  }
  const trip = (error: LaresError) => {
    if (down) return
    down = error
    log.warn({ err: error }, 'messages are refused until this is over')
    askLater()
  }
  return {
    async run(work) {
      if (down)
        throw new LaresError('unavailable', down.message, { cause: down, retryAfterMs: 2 * recheckMs })
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
