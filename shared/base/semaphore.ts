import { cancelled } from './cancellation.ts'
import { LaresError } from './errors.ts'

export type Slots = {
  /** Waits for its turn, first come first served, and returns the number of a slot. Errors: `busy` when too many wait. */
  take(signal?: AbortSignal): Promise<number>
  give(slot: number): void
}

type Waiting = { grant(slot: number): void }

const retryAfterMs = 2000

/** Shares a fixed number of slots among any number of callers, of whom at most `maxWaiting` may wait. */
export function createSlots(count: number, maxWaiting: number): Slots {
  // The slot that was used last is given first: what it holds of the last prompt may be of use again.
  const free = Array.from({ length: count }, (_, at) => count - 1 - at)
  const waiting = new Set<Waiting>()

  async function take(signal?: AbortSignal): Promise<number> {
    if (signal?.aborted) throw cancelled(signal)
    const slot = free.pop()
    if (slot !== undefined) return slot
    if (waiting.size >= maxWaiting)
      throw new LaresError('busy', `${maxWaiting} requests wait for the model already`, { retryAfterMs })
    return wait(signal)
  }

  function wait(signal?: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      const one: Waiting = {
        grant(slot) {
          signal?.removeEventListener('abort', leave)
          resolve(slot)
        },
      }
      const leave = () => {
        waiting.delete(one)
        reject(cancelled(signal!))
      }
      waiting.add(one)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }

  function give(slot: number): void {
    const [next] = waiting
    if (!next) return void free.push(slot)
    waiting.delete(next)
    next.grant(slot)
  }

  return { take, give }
}
