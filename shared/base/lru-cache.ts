/**
 * Keeps what was used last, `limit` (at least 1) at most; what was used longest ago goes first.
 * One iterator, which goes on, knows the oldest: a new one would walk over the places of all that were removed since the map
 * was last made anew, some ten times as long for each `set` with 10,000 entries. But V8 keeps every table that the map has
 * outgrown since an iterator last went on, so it is replaced after as many moves as there are entries.
 */
export function createRecent<Value>(limit: number) {
  const kept = new Map<string, Value>()
  let oldest = kept.keys()
  let moves = 0
  const putLast = (key: string, value: Value) => {
    kept.delete(key)
    kept.set(key, value)
    if (++moves <= kept.size) return
    oldest = kept.keys()
    moves = 0
  }
  return {
    get(key: string): Value | undefined {
      const value = kept.get(key)
      if (value !== undefined) putLast(key, value)
      return value
    },
    set(key: string, value: Value): void {
      putLast(key, value)
      if (kept.size > limit) kept.delete(oldest.next().value!)
    },
  }
}
