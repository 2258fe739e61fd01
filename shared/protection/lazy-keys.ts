import type { Keys } from './keys.ts'

/**
 * Keys that are opened at their first use, and again after it failed: the ring may be back by then. Who cannot wait is told
 * that no key is at hand until they are open.
 */
export function lazyKeys(open: () => Promise<Keys>): { keys: Keys; ready(): Promise<void> } {
  let opening: Promise<Keys> | undefined
  let known: Keys | undefined
  const opened = () =>
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
    ready: async () => void (await opened()),
    keys: {
      of: async person => await (known ?? (await opened())).of(person),
      ofKnown: async person => await (known ?? (await opened())).ofKnown(person),
      existing: async person => await (known ?? (await opened())).existing(person),
      byId: async id => await (known ?? (await opened())).byId(id),
      idOf: async person => await (known ?? (await opened())).idOf(person),
      destroy: async person => await (known ?? (await opened())).destroy(person),
      rewrap: async () => await (known ?? (await opened())).rewrap(),
      atHand: id => known?.atHand(id),
      ofAtHand: person => known?.ofAtHand(person),
    },
  }
}
