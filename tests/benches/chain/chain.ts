/** A turn of `HOPS` produce-consume hops, through `HOPS - 1` functions or forwarders that do nothing. */
export const HOPS = 6
/** The approximate size of a turn's event with its message, in bytes. */
export const PAYLOAD_TEXT = 'x'.repeat(700)

export type Chain = {
  /** Resolves when the event that it put on the first topic has come out of the last one. */
  turn(): Promise<void>
  close(): Promise<void>
}

/** The callers that wait for their turn's end, by its id. */
export function openPendingTurns() {
  const waiting = new Map<string, () => void>()
  return {
    begin: (id: string): Promise<void> => new Promise(resolve => waiting.set(id, resolve)),
    end(id: string): void {
      waiting.get(id)?.()
      waiting.delete(id)
    },
  }
}
