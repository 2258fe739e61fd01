import { setTimeout as wait } from 'node:timers/promises'
import { LaresError } from '../../base/errors.ts'
import type { Bus, BusMessage, BusRecord, TopicPartition } from '../../bus/bus.ts'
import type { DataKey } from '../envelope.ts'
import { HOUSE, type Keys } from '../keys.ts'
import type { Owners } from '../owners.ts'
import { forgottenRecord, keyIdOfRecord, openRecord, sealRecord, shredRecord } from '../sealed-record.ts'

const RETRY_MS = 500

export type BusProtection = {
  keys: Keys
  owners: Owners
  /** Whose conversation it is, by the store; undefined when it is nobody's. */
  ownerOf(conversation: string): Promise<string | undefined>
}

/**
 * Any driver's log, with the data of events encrypted by the key of the person whose conversation it is; of the house,
 * where it is nobody's. `publish` refuses the first event of somebody without a key as `forgotten`; what follows from a
 * forgotten event is forgotten. While keys are at hand, which they nearly always are, nothing waits and nothing is reordered.
 */
export function protectedBus(inner: Bus, protection: BusProtection): Bus {
  const sealing = openSealing(protection)
  const { open, openAtHand } = openOpening(protection)
  return {
    ...inner,
    async publish(messages) {
      await inner.publish(sealing.atHand(messages) ?? (await sealing.inTurn(messages)))
    },
    async subscribe(options) {
      const { onRecords, onRevoked, onError } = options
      const lost = openLosses()
      const line = openLine(open, openAtHand, onRecords, onError)
      const subscription = await inner.subscribe({
        ...options,
        onRecords(records) {
          const stillOurs = lost.since()
          line.take(records, stillOurs)
        },
        onRevoked(partitions) {
          lost.note(partitions)
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
        const kept = records.filter(({ forgotten }) => !forgotten)
        if (kept.length > 0) options.onRecords(kept)
      }
      const line = openLine(open, openAtHand, readable, options.onError)
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

/** Keys for what is published. Events of one conversation keep the order of the calls, also when one waits for its key. */
function openSealing({ keys, owners, ownerOf }: BusProtection) {
  const waiting = new Map<string, Promise<unknown>>()
  const isFirst = ({ headers }: BusMessage) => headers.ce_causationid === undefined
  const sealAtHand = (message: BusMessage): BusMessage | undefined => {
    if (waiting.has(message.key)) return undefined
    const id = isFirst(message) ? undefined : owners.keyId(message.key)
    const person = owners.person(message.key)
    const key = id !== undefined ? keys.atHand(id) : person === undefined ? undefined : keys.ofAtHand(person)
    return key && sealRecord(key, message)
  }
  const personOf = async (conversation: string): Promise<string | undefined> => {
    const person = owners.person(conversation) ?? (await ownerOf(conversation))
    if (person !== undefined) owners.learn(conversation, person)
    return person
  }
  const sealOne = async (message: BusMessage): Promise<BusMessage> => {
    const id = owners.keyId(message.key)
    const person = id === undefined || isFirst(message) ? await personOf(message.key) : undefined
    // So also a message that is put back from the dead letters before the store knows whose it is.
    if (id !== undefined && person === undefined) {
      const key = await keys.byId(id)
      return key ? sealRecord(key, message) : shredRecord(message)
    }
    return sealRecord(await keys.ofKnown(person ?? HOUSE), message)
  }
  return {
    atHand(messages: BusMessage[]): BusMessage[] | undefined {
      const sealed = messages.map(sealAtHand)
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
        // Whoever waits behind goes on in a later turn of the event loop than who waited here.
        setImmediate(() => {
          for (const conversation of conversations)
            if (waiting.get(conversation) === work) waiting.delete(conversation)
        })
      }
    },
  }
}

function openOpening({ keys, owners }: BusProtection) {
  const openWith = (record: BusRecord, id: string, key: DataKey | undefined): BusRecord => {
    owners.learnKey(record.key, id)
    return key ? openRecord(key, record) : forgottenRecord(record)
  }
  /** One that was damaged on the log is for its reader to refuse, as any other that is no event. */
  const sound = <T>(record: BusRecord, work: () => T): T | BusRecord => {
    try {
      return work()
    } catch (error) {
      if (error instanceof LaresError && error.code === 'failed') return record
      throw error
    }
  }
  const openAtHand = (record: BusRecord): BusRecord | undefined =>
    sound(record, () => {
      const id = keyIdOfRecord(record)
      if (id === undefined) return record
      const key = keys.atHand(id)
      return key && openWith(record, id, key)
    })
  const openOne = async (record: BusRecord): Promise<BusRecord> => {
    const atHand = openAtHand(record)
    if (atHand) return atHand
    const id = keyIdOfRecord(record)!
    const key = await keys.byId(id)
    return sound(record, () => openWith(record, id, key))
  }
  return {
    openAtHand,
    async open(records: BusRecord[]): Promise<BusRecord[]> {
      const read: BusRecord[] = []
      for (const record of records) read.push(await openOne(record))
      return read
    },
  }
}

type IsOurs = (record: BusRecord) => boolean

/** Partitions that were lost while their records waited for keys. */
function openLosses() {
  const losses = new Map<string, number>()
  const nameOf = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`
  return {
    note(partitions: TopicPartition[]) {
      for (const one of partitions) losses.set(nameOf(one), (losses.get(nameOf(one)) ?? 0) + 1)
    },
    since(): IsOurs {
      const then = new Map(losses)
      return record => losses.get(nameOf(record)) === then.get(nameOf(record))
    },
  }
}

/** Hands records on in their order, at once when all their keys are at hand. */
function openLine(
  open: (records: BusRecord[]) => Promise<BusRecord[]>,
  openAtHand: (record: BusRecord) => BusRecord | undefined,
  onRecords: (records: BusRecord[]) => void,
  onError: ((error: unknown) => void) | undefined,
) {
  let isClosed = false
  let waiting = 0
  let last = Promise.resolve()
  const untilOpen = async (records: BusRecord[]): Promise<BusRecord[]> => {
    while (!isClosed) {
      try {
        return await open(records)
      } catch (error) {
        onError?.(error)
        await wait(RETRY_MS)
      }
    }
    return []
  }
  const handOn = async (records: BusRecord[], isOurs: IsOurs) => {
    const read = await untilOpen(records)
    waiting--
    const kept = read.filter(isOurs)
    if (!isClosed && kept.length > 0) onRecords(kept)
  }
  return {
    take(records: BusRecord[], isOurs: IsOurs = () => true) {
      if (waiting === 0) {
        const read = records.map(openAtHand)
        if (!read.includes(undefined)) {
          onRecords(read as BusRecord[])
          return
        }
      }
      waiting++
      last = last.then(() => handOn(records, isOurs))
    },
    close() {
      isClosed = true
    },
  }
}
