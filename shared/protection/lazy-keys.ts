import type { Keys } from './keys.ts'

/**
 * Keys that are opened at their first use, and again after it failed: the ring may be back by then. Who cannot wait is told
 * that no key is at hand until they are open.
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
