/**
 * Sends items in order, one batch at a time. Items added during a send go together in the next batch. So a slow bus
 * makes larger batches, and a batch that fails for a moment is not overtaken.
 */
export type OrderedBatcher<T> = {
  add(items: T[]): void
  /** The number of items added and not yet sent. */
  size(): number
  /** Resolves when all items are sent; rejects with the failure that ended the sending. */
  settled(): Promise<void>
}

/** When `send` rejects, the batcher sends nothing more. */
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
