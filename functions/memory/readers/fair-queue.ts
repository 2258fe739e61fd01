import { cancellationError } from '#shared/base/concurrency/cancellation.ts'
import { LaresError } from '#shared/base/errors.ts'

export type FairQueue = {
  /**
   * Runs `work` when it is this key's turn. Errors: `busy` when the turn does not come within `maxWaitMs`, the signal's
   * reason when it is aborted while it waits, and those of `work`.
   */
  run<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

export type FairQueueOptions = {
  /** The number of keys that run at once. Each key runs one task at a time. */
  limit: number
  maxWaitMs: number
}

type Waiter = { start(): void }

const RETRY_AFTER_MS = 1_000

/**
 * Shares a few slots among keys. The tasks of one key run in order, and keys take turns, so that none waits for all
 * tasks of another.
 */
export function openFairQueue({ limit, maxWaitMs }: FairQueueOptions): FairQueue {
  /** The waiting keys, the next one first. */
  const waiting = new Map<string, Waiter[]>()
  const running = new Set<string>()

  const startNext = (): void => {
    if (running.size >= limit) return
    const next = [...waiting].find(([key]) => !running.has(key))
    if (!next) return
    const [key, [waiter, ...others]] = next
    if (others.length > 0) waiting.set(key, others)
    else waiting.delete(key)
    running.add(key)
    waiter!.start()
    startNext()
  }
  /** Moves the other tasks of this key behind every other key. */
  const moveToEnd = (key: string): void => {
    const others = waiting.get(key)
    if (!others) return
    waiting.delete(key)
    waiting.set(key, others)
  }
  const leave = (key: string, waiter: Waiter): void => {
    const others = (waiting.get(key) ?? []).filter(one => one !== waiter)
    if (others.length > 0) waiting.set(key, others)
    else waiting.delete(key)
  }
  const waitForTurn = (key: string, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (then: () => void) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
        then()
      }
      const waiter: Waiter = { start: () => settle(resolve) }
      const giveUp = (error: Error) =>
        settle(() => {
          leave(key, waiter)
          reject(error)
        })
      const onAbort = () => giveUp(cancellationError(signal))
      const timer = setTimeout(() => giveUp(busyError(maxWaitMs)), maxWaitMs)
      signal.addEventListener('abort', onAbort, { once: true })
      waiting.set(key, [...(waiting.get(key) ?? []), waiter])
      startNext()
    })
  return {
    async run(key, signal, work) {
      if (signal.aborted) throw cancellationError(signal)
      await waitForTurn(key, signal)
      try {
        return await work()
      } finally {
        running.delete(key)
        moveToEnd(key)
        startNext()
      }
    },
  }
}

/** Waiting is not a failure: the connector retries later. */
const busyError = (waitedMs: number): LaresError =>
  new LaresError('busy', `other documents were read for ${waitedMs / 1_000} s; this one has to wait`, {
    retryAfterMs: RETRY_AFTER_MS,
  })
