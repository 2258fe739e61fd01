/**
 * Keeps what was used last, `limit` (at least 1) at most; what was used longest ago goes first.
 * One iterator, which goes on, knows the oldest: a new one would walk over the places of all that were removed since the map
 * was last made anew, some ten times as long for each `set` with 10,000 entries.
 */
export function createRecent<Value>(limit: number) {
  const kept = new Map<string, Value>()
  const oldest = kept.keys()
  return {
    get(key: string): Value | undefined {
      const value = kept.get(key)
      if (value === undefined) return undefined
      kept.delete(key)
      kept.set(key, value)
      return value
    },
    set(key: string, value: Value): void {
      kept.delete(key)
      kept.set(key, value)
      if (kept.size > limit) kept.delete(oldest.next().value!)
    },
  }
}
