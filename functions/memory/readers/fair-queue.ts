import { cancellationError } from '#shared/base/cancellation.ts'
import { LaresError } from '#shared/base/errors.ts'

export type FairQueue = {
  /**
   * Runs `work` when it is this key's turn. Errors: `busy` when the turn does not come within `maxWaitMs`, the signal's
   * reason when it is aborted while it waits, and those of `work`.
   */
  run<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

export type FairQueueOptions = {
  /** How many keys run at once; of one key one runs at a time. */
  limit: number
  maxWaitMs: number
}

type Waiter = { start(): void }

const RETRY_AFTER_MS = 1_000

/** Shares a few places among keys: the work of one key runs in order, and keys take turns, so that none waits for all of another's. */
export function openFairQueue({ limit, maxWaitMs }: FairQueueOptions): FairQueue {
  /** The keys that wait, the next one first. */
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
  /** What else this key has waits behind every other key. */
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

/** Waiting is no failure: the connector tries again later. */
const busyError = (waitedMs: number): LaresError =>
  new LaresError('busy', `other documents were read for ${waitedMs / 1_000} s; this one has to wait`, {
    retryAfterMs: RETRY_AFTER_MS,
  })
