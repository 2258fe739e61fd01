import { createLruCache } from '../base/lru-cache.ts'

/** Whose conversations are, as far as this process has learnt, and which keys their events came with. */
export type OwnerCache = {
  /** Told by who makes the first event of a turn, before anything else can know. */
  recordOwner(conversation: string, person: string): void
  ownerOf(conversation: string): string | undefined
  /** What was read from the log: what follows from it is encrypted with the same key. */
  recordKeyId(conversation: string, keyId: string): void
  keyId(conversation: string): string | undefined
}

/** Conversations that are remembered; one that is forgotten here is looked up again. */
const MAX_CACHED = 20_000

export function openOwnerCache(): OwnerCache {
  const ownerByConversation = createLruCache<string>(MAX_CACHED)
  const keyIdByConversation = createLruCache<string>(MAX_CACHED)
  return {
    recordOwner: ownerByConversation.set,
    ownerOf: ownerByConversation.get,
    recordKeyId: keyIdByConversation.set,
    keyId: keyIdByConversation.get,
  }
}
