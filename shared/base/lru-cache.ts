/**
 * Keeps what was used last, `limit` (at least 1) at most; what was used longest ago goes first.
 * One iterator, which goes on, knows the oldest: a new one would walk over the places of all that were removed since the map
 * was last made anew, some ten times as long for each `set` with 10,000 entries. But V8 keeps every table that the map has
 * outgrown since an iterator last went on, so it is replaced after as many moves as there are entries.
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
