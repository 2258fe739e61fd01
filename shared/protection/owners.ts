import { createRecent } from '../base/lru-cache.ts'

/** Whose conversations are, as far as this process has learnt, and which keys their events came with. */
export type Owners = {
  /** Told by who makes the first event of a turn, before anything else can know. */
  learn(conversation: string, person: string): void
  person(conversation: string): string | undefined
  /** What was read from the log: what follows from it is encrypted with the same key. */
  learnKey(conversation: string, keyId: string): void
  keyId(conversation: string): string | undefined
}

/** Conversations that are remembered; one that is forgotten here is looked up again. */
const MAX_KNOWN = 20_000

export function openOwners(): Owners {
  const people = createRecent<string>(MAX_KNOWN)
  const keys = createRecent<string>(MAX_KNOWN)
  return { learn: people.set, person: people.get, learnKey: keys.set, keyId: keys.get }
}
