/**
 * Keeps the `limit` entries (at least 1) that were used last, and drops the least recently used entry first.
 * One long-lived iterator finds the oldest entry. A new iterator would walk over the slots of all entries removed since
 * the map was last rebuilt. That makes each `set` with 10,000 entries about ten times slower. But V8 keeps every table
 * that the map has outgrown since the iterator last moved. So the cache replaces the iterator after as many moves as
 * there are entries.
 */
export function createLruCache<Value>(limit: number) {
  const entries = new Map<string, Value>()
  let oldest = entries.keys()
  let moves = 0
  const moveToEnd = (key: string, value: Value) => {
    entries.delete(key)
    entries.set(key, value)
    if (++moves <= entries.size) return
    oldest = entries.keys()
    moves = 0
  }
  return {
    get(key: string): Value | undefined {
      const value = entries.get(key)
      if (value !== undefined) moveToEnd(key, value)
      return value
    },
    set(key: string, value: Value): void {
      moveToEnd(key, value)
      if (entries.size > limit) entries.delete(oldest.next().value!)
    },
  }
}
