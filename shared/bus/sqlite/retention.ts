import type { BusStore } from './record-store.ts'

const BATCH_RECORDS = 500

/**
 * Deletes some of the records that are older than their topic's retention. Returns true when more may remain. Runs
 * inside `store.write`.
 */
export function removeExpired(store: BusStore, nowMs: number): boolean {
  for (const [topic, retentionMs] of store.retentions)
    for (const stream of store.topics.get(topic) ?? []) {
      const start = store.start(stream)
      const keep = store.offsetAt(stream, nowMs - retentionMs)
      if (keep === start) continue
      store.remove(stream, start, Math.min(keep, start + BATCH_RECORDS))
      return true
    }
  return false
}
