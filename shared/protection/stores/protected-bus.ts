import { setTimeout as wait } from 'node:timers/promises'
import { LaresError } from '../../base/errors.ts'
import type { Bus, BusMessage, BusRecord, TopicPartition } from '../../bus/bus.ts'
import { isGroup } from '../../contract/events/address.ts'
import type { DataKey } from '../envelope.ts'
import { type Keys, SYSTEM } from '../keys.ts'
import type { OwnerCache, StoredOwners } from '../owners.ts'
import {
  erasedBusRecord,
  keyIdOfBusRecord,
  sealBusRecord,
  shredBusRecord,
  unsealBusRecord,
} from '../sealed-record.ts'

const RETRY_DELAY_MS = 500

export type BusProtection = {
  keys: Keys
  owners: OwnerCache
  /** Owners and senders, as the store has them. */
  stored: StoredOwners
}

/**
 * Wraps any driver's log, and encrypts the data of events with the key of the conversation's owner. In a group it uses
 * the key of the member who began the turn, and without an owner the system key. `publish` refuses the first event of a
 * person without a key as `forgotten`. It also refuses every event that follows from a forgotten one. Keys are nearly
 * always cached: then nothing waits, and the order stays.
 */
export function protectedBus(inner: Bus, protection: BusProtection): Bus {
  const sealer = openSealer(protection)
  const { open, openCached } = openUnsealer(protection)
  return {
    ...inner,
    async publish(messages) {
      await inner.publish(sealer.atHand(messages) ?? (await sealer.inTurn(messages)))
    },
    async subscribe(options) {
      const { onRecords, onRevoked, onError } = options
      const revocations = trackRevocations()
      const line = openOrderedDelivery(open, openCached, onRecords, onError)
      const subscription = await inner.subscribe({
        ...options,
        onRecords(records) {
          const stillAssigned = revocations.since()
          line.take(records, stillAssigned)
        },
        onRevoked(partitions) {
          revocations.note(partitions)
          onRevoked?.(partitions)
        },
      })
      return {
        ...subscription,
        async close() {
          line.close()
          await subscription.close()
        },
      }
    },
    async tail(options) {
      const readable = (records: BusRecord[]) => {
        const kept = records.filter(({ erased }) => !erased)
        if (kept.length > 0) options.onRecords(kept)
      }
      const line = openOrderedDelivery(open, openCached, readable, options.onError)
      const tail = await inner.tail({ ...options, onRecords: records => line.take(records) })
      return {
        async close() {
          line.close()
          await tail.close()
        },
      }
    },
    read: async (topic, options) => await open(await inner.read(topic, options)),
  }
}

const turnOf = ({ headers }: Pick<BusMessage, 'headers'>): string => headers.ce_correlationid ?? ''

/**
 * Finds keys for published events. Events of one conversation keep the order of the calls, even if one waits for its
 * key.
 */
function openSealer({ keys, owners, stored }: BusProtection) {
  const waiting = new Map<string, Promise<unknown>>()
  const isFirst = ({ headers }: BusMessage) => headers.ce_causationid === undefined
  const sealCached = (message: BusMessage): BusMessage | undefined => {
    if (waiting.has(message.key)) return undefined
    const turn = turnOf(message)
    const owner = owners.ownerOf(message.key)
    const isOfGroup = owner !== undefined && isGroup(owner)
    const turnKeyId = owners.turnKeyId(message.key, turn)
    // For a turn that this process does not know, the store tells whether the conversation is a group's.
    if (isOfGroup ? turnKeyId === undefined : owner === undefined && turnKeyId === undefined) return undefined
    const id = isFirst(message) && !isOfGroup ? undefined : (turnKeyId ?? owners.keyId(message.key))
    const person = owner
    const key =
      id !== undefined ? keys.cachedById(id) : person === undefined ? undefined : keys.cachedByPerson(person)
    return key && sealBusRecord(key, message)
  }
  const personOf = async (conversation: string): Promise<string | undefined> => {
    const person = owners.ownerOf(conversation) ?? (await stored.ownerOf(conversation))
    if (person !== undefined) owners.recordOwner(conversation, person)
    return person
  }
  const sealOne = async (message: BusMessage): Promise<BusMessage> => {
    const turnKeyId = owners.turnKeyId(message.key, turnOf(message))
    if (turnKeyId !== undefined && !isFirst(message)) return await sealWithId(turnKeyId, message)
    const person = await personOf(message.key)
    if (person !== undefined && isGroup(person)) return await sealForGroup(person, message)
    const id = owners.keyId(message.key)
    // This also holds for a message put back from the dead letters before the store knows its conversation's owner.
    if (id !== undefined && (person === undefined || !isFirst(message))) return await sealWithId(id, message)
    return sealBusRecord(await keys.require(person ?? SYSTEM), message)
  }
  const sealWithId = async (id: string, message: BusMessage): Promise<BusMessage> => {
    const key = await keys.byId(id)
    return key ? sealBusRecord(key, message) : shredBusRecord(message)
  }
  /**
   * A known member's message, and the events that follow from it, have the member's key; a reminder has the group's.
   */
  const sealForGroup = async (group: string, message: BusMessage): Promise<BusMessage> => {
    const [conversation, turn] = [message.key, turnOf(message)]
    const sender = owners.senderOf(conversation, turn)
    if (sender !== undefined) return sealBusRecord(await keys.require(sender), message)
    const turnKeyId = owners.turnKeyId(conversation, turn)
    if (turnKeyId !== undefined) return await sealWithId(turnKeyId, message)
    const member = await stored.senderOf(conversation, turn)
    return sealBusRecord(await keys.require(member ?? group), message)
  }
  return {
    atHand(messages: BusMessage[]): BusMessage[] | undefined {
      const sealed = messages.map(sealCached)
      return sealed.includes(undefined) ? undefined : (sealed as BusMessage[])
    },
    async inTurn(messages: BusMessage[]): Promise<BusMessage[]> {
      const conversations = [...new Set(messages.map(({ key }) => key))]
      const before = conversations.map(conversation => waiting.get(conversation))
      const work = Promise.allSettled(before).then(() => Promise.all(messages.map(sealOne)))
      for (const conversation of conversations) waiting.set(conversation, work)
      try {
        return await work
      } finally {
        // Calls queued behind this one resume in a later turn of the event loop than this call.
        setImmediate(() => {
          for (const conversation of conversations)
            if (waiting.get(conversation) === work) waiting.delete(conversation)
        })
      }
    },
  }
}

function openUnsealer({ keys, owners }: BusProtection) {
  const unsealWith = (record: BusRecord, id: string, key: DataKey | undefined): BusRecord => {
    owners.recordKeyId(record.key, id)
    owners.recordTurnKeyId(record.key, turnOf(record), id)
    return key ? unsealBusRecord(key, record) : erasedBusRecord(record)
  }
  /** A damaged record is passed on: its reader refuses it, like any record that is not an event. */
  const keepIfDamaged = <T>(record: BusRecord, work: () => T): T | BusRecord => {
    try {
      return work()
    } catch (error) {
      if (error instanceof LaresError && error.code === 'failed') return record
      throw error
    }
  }
  const openCached = (record: BusRecord): BusRecord | undefined =>
    keepIfDamaged(record, () => {
      const id = keyIdOfBusRecord(record)
      if (id === undefined) return record
      const key = keys.cachedById(id)
      return key && unsealWith(record, id, key)
    })
  const unsealOne = async (record: BusRecord): Promise<BusRecord> => {
    const atHand = openCached(record)
    if (atHand) return atHand
    const id = keyIdOfBusRecord(record)!
    const key = await keys.byId(id)
    return keepIfDamaged(record, () => unsealWith(record, id, key))
  }
  return {
    openCached,
    async open(records: BusRecord[]): Promise<BusRecord[]> {
      const read: BusRecord[] = []
      for (const record of records) read.push(await unsealOne(record))
      return read
    },
  }
}

type IsAssigned = (record: BusRecord) => boolean

/** Tracks partitions that were revoked while their records waited for keys. */
function trackRevocations() {
  const revocations = new Map<string, number>()
  const partitionId = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`
  return {
    note(partitions: TopicPartition[]) {
      for (const one of partitions)
        revocations.set(partitionId(one), (revocations.get(partitionId(one)) ?? 0) + 1)
    },
    since(): IsAssigned {
      const then = new Map(revocations)
      return record => revocations.get(partitionId(record)) === then.get(partitionId(record))
    },
  }
}

/** Passes records on in their order; at once if all their keys are cached. */
function openOrderedDelivery(
  open: (records: BusRecord[]) => Promise<BusRecord[]>,
  openCached: (record: BusRecord) => BusRecord | undefined,
  onRecords: (records: BusRecord[]) => void,
  onError: ((error: unknown) => void) | undefined,
) {
  let isClosed = false
  let waiting = 0
  let last = Promise.resolve()
  const unsealWithRetry = async (records: BusRecord[]): Promise<BusRecord[]> => {
    while (!isClosed) {
      try {
        return await open(records)
      } catch (error) {
        onError?.(error)
        await wait(RETRY_DELAY_MS)
      }
    }
    return []
  }
  const deliver = async (records: BusRecord[], isOurs: IsAssigned) => {
    const read = await unsealWithRetry(records)
    waiting--
    const kept = read.filter(isOurs)
    if (!isClosed && kept.length > 0) onRecords(kept)
  }
  return {
    take(records: BusRecord[], isOurs: IsAssigned = () => true) {
      if (waiting === 0) {
        const read = records.map(openCached)
        if (!read.includes(undefined)) {
          onRecords(read as BusRecord[])
          return
        }
      }
      waiting++
      last = last.then(() => deliver(records, isOurs))
    },
    close() {
      isClosed = true
    },
  }
}
