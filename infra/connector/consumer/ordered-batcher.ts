/**
 * Sends in order, one batch at a time; what is added while one is on its way goes together with the next. So a slow bus
 * makes larger batches, and one that fails for a moment lets nothing overtake.
 */
export type OrderedBatcher<T> = {
  add(items: T[]): void
  /** Items added and not yet sent. */
  size(): number
  /** Resolves when all is sent; rejects with the failure that ended the sending. */
  settled(): Promise<void>
}

/** `send` ends the sending for good when it rejects; nothing more is sent then. */
export function openOrderedBatcher<T>(send: (items: T[]) => Promise<void>): OrderedBatcher<T> {
  let queued: T[] = []
  let inFlightCount = 0
  let sending: Promise<void> | undefined
  let failure: { error: unknown } | undefined
  const sendQueued = async () => {
    try {
      while (queued.length > 0) {
        const batch = queued
        queued = []
        inFlightCount = batch.length
        await send(batch)
        inFlightCount = 0
      }
    } catch (error) {
      failure = { error }
    }
    sending = undefined
  }
  return {
    add(items) {
      if (failure || items.length === 0) return
      queued.push(...items)
      sending ??= sendQueued()
    },
    size: () => queued.length + inFlightCount,
    async settled() {
      await sending
      if (failure) throw failure.error
    },
  }
}
