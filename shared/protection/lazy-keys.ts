import type { Keys } from './keys.ts'

/**
 * Opens the keys at their first use, and again after a failure: the ring may be reachable by then. Until they are open,
 * callers that cannot wait find no cached key.
 */
export function lazyKeys(open: () => Promise<Keys>): { keys: Keys; ready(): Promise<void> } {
  let opening: Promise<Keys> | undefined
  let known: Keys | undefined
  const openOnce = () =>
    (opening ??= open().then(
      keys => {
        known = keys
        return keys
      },
      error => {
        opening = undefined
        throw error
      },
    ))
  return {
    ready: async () => void (await openOnce()),
    keys: {
      getOrCreate: async person => await (known ?? (await openOnce())).getOrCreate(person),
      require: async person => await (known ?? (await openOnce())).require(person),
      find: async person => await (known ?? (await openOnce())).find(person),
      byId: async id => await (known ?? (await openOnce())).byId(id),
      idOf: async person => await (known ?? (await openOnce())).idOf(person),
      destroy: async person => await (known ?? (await openOnce())).destroy(person),
      rewrap: async () => await (known ?? (await openOnce())).rewrap(),
      cachedById: id => known?.cachedById(id),
      cachedByPerson: person => known?.cachedByPerson(person),
    },
  }
}
