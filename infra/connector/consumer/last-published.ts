import { createLruCache } from '../../../shared/base/lru-cache.ts'

/** So many keys are remembered, those that were used last. */
const MAX_KEYS = 10_000

/**
 * Which event of each key a function was given last with all of its outcome on the log. It is told to the function, which
 * may need to know; one that is forgotten, by a restart too, costs the function a repetition and no more.
 */
export type LastPublished = {
  get(key: string): string | undefined
  set(key: string, eventId: string): void
}

export function openLastPublished(maxKeys = MAX_KEYS): LastPublished {
  const { get, set } = createLruCache<string>(maxKeys)
  return { get: get, set }
}
