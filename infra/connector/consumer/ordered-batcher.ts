/**
 * Sends in order, one batch at a time; what is added while one is on its way goes together with the next. So a slow bus
 * makes larger batches, and one that fails for a moment lets nothing overtake.
 */
export type Outbox<T> = {
  add(items: T[]): void
  /** Items added and not yet sent. */
  size(): number
  /** Resolves when all is sent; rejects with the failure that ended the sending. */
  settled(): Promise<void>
}

/** `send` ends the sending for good when it rejects; nothing more is sent then. */
export function openOutbox<T>(send: (items: T[]) => Promise<void>): Outbox<T> {
  let waiting: T[] = []
  let onWay = 0
  let sending: Promise<void> | undefined
  let failure: { error: unknown } | undefined
  const sendAll = async () => {
    try {
      while (waiting.length > 0) {
        const batch = waiting
        waiting = []
        onWay = batch.length
        await send(batch)
        onWay = 0
      }
    } catch (error) {
      failure = { error }
    }
    sending = undefined
  }
  return {
    add(items) {
      if (failure || items.length === 0) return
      waiting.push(...items)
      sending ??= sendAll()
    },
    size: () => waiting.length + onWay,
    async settled() {
      await sending
      if (failure) throw failure.error
    },
  }
}
