import { createLruCache } from '../../../shared/base/lru-cache.ts'

/** The cache holds this many keys, those used last. */
const MAX_KEYS = 10_000

/**
 * The last event of each key whose outcome is fully on the log. The connector passes its id to the function. An entry
 * that is lost, by eviction or by a restart, costs the function one repetition and no more.
 */
export type LastPublished = {
  get(key: string): string | undefined
  set(key: string, eventId: string): void
}

export function openLastPublished(maxKeys = MAX_KEYS): LastPublished {
  const { get, set } = createLruCache<string>(maxKeys)
  return { get: get, set }
}
