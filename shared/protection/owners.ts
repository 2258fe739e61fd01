import { createLruCache } from '../base/lru-cache.ts'
import type { History } from '../store/store.ts'

/** The owners of conversations that this process knows, and the keys that encrypted their events. */
export type OwnerCache = {
  /** Recorded by the maker of a turn's first event, before any other source knows the owner. */
  recordOwner(conversation: string, person: string): void
  ownerOf(conversation: string): string | undefined
  /** The key id of an event that was read from the log: events that follow from it are encrypted with the same key. */
  recordKeyId(conversation: string, keyId: string): void
  keyId(conversation: string): string | undefined
  /** The same for one turn: in a group each turn has the key of the member who began it. */
  recordTurnKeyId(conversation: string, turn: string, keyId: string): void
  turnKeyId(conversation: string, turn: string): string | undefined
  /** The member whose message begins a turn in a group, recorded by the publisher of that message. */
  recordSender(conversation: string, turn: string, person: string): void
  senderOf(conversation: string, turn: string): string | undefined
}

/** The most conversations in the cache; the store is asked again for others. */
const MAX_CACHED = 20_000

export function openOwnerCache(): OwnerCache {
  const ownerByConversation = createLruCache<string>(MAX_CACHED)
  const keyIdByConversation = createLruCache<string>(MAX_CACHED)
  const keyIdByTurn = createLruCache<string>(MAX_CACHED)
  const senderByTurn = createLruCache<string>(MAX_CACHED)
  const turnName = (conversation: string, turn: string) => JSON.stringify([conversation, turn])
  return {
    recordOwner: ownerByConversation.set,
    ownerOf: ownerByConversation.get,
    recordKeyId: keyIdByConversation.set,
    keyId: keyIdByConversation.get,
    recordTurnKeyId: (conversation, turn, keyId) => keyIdByTurn.set(turnName(conversation, turn), keyId),
    turnKeyId: (conversation, turn) => keyIdByTurn.get(turnName(conversation, turn)),
    recordSender: (conversation, turn, person) => senderByTurn.set(turnName(conversation, turn), person),
    senderOf: (conversation, turn) => senderByTurn.get(turnName(conversation, turn)),
  }
}

/** The owners of conversations and the senders of messages, as the store has them. */
export type StoredOwners = {
  /** Undefined for a conversation that the store does not know. */
  ownerOf(conversation: string): Promise<string | undefined>
  /**
   * The known person whose message begins a turn; undefined for a reminder, and for an identity that no person is
   * linked to.
   */
  senderOf(conversation: string, turn: string): Promise<string | undefined>
}

export const storedOwners = (
  history: () => Promise<Pick<History, 'conversation' | 'message'>>,
): StoredOwners => ({
  ownerOf: async conversation => (await (await history()).conversation(conversation))?.person,
  async senderOf(conversation, turn) {
    const message = await (await history()).message(turn)
    return message?.conversation === conversation ? message.sender?.person : undefined
  },
})
