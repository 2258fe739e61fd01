import { LaresError } from '../errors.ts'
import { cancellationError } from './cancellation.ts'

export type Semaphore = {
  /**
   * Waits for a slot, first come first served, and returns the slot's number. Errors: `busy` when too many callers
   * wait.
   */
  acquire(signal?: AbortSignal): Promise<number>
  release(slot: number): void
}

type Waiter = { grant(slot: number): void }

const retryAfterMs = 2000

/** Shares a fixed number of slots among any number of callers. At most `maxWaiting` callers may wait. */
export function createSemaphore(count: number, maxWaiting: number): Semaphore {
  // The semaphore gives the most recently used slot first: that slot's cache of the last prompt may help again.
  const free = Array.from({ length: count }, (_, at) => count - 1 - at)
  const waiting = new Set<Waiter>()

  async function acquire(signal?: AbortSignal): Promise<number> {
    if (signal?.aborted) throw cancellationError(signal)
    const slot = free.pop()
    if (slot !== undefined) return slot
    if (waiting.size >= maxWaiting)
      throw new LaresError('busy', `${maxWaiting} requests wait for the model already`, { retryAfterMs })
    return wait(signal)
  }

  function wait(signal?: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        grant(slot) {
          signal?.removeEventListener('abort', stopWaiting)
          resolve(slot)
        },
      }
      const stopWaiting = () => {
        waiting.delete(waiter)
        reject(cancellationError(signal!))
      }
      waiting.add(waiter)
      signal?.addEventListener('abort', stopWaiting, { once: true })
    })
  }

  function release(slot: number): void {
    const [next] = waiting
    if (!next) return void free.push(slot)
    waiting.delete(next)
    next.grant(slot)
  }

  return { acquire, release }
}
