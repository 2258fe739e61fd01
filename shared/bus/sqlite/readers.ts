import { LaresError } from '../../base/errors.ts'
import type { BusRecord, Position, SubscribeOptions, TopicPartition } from '../bus.ts'
import type { BusStore, Stream } from './record-store.ts'

const BATCH_RECORDS = 256
const RETRY_DELAY_MS = 1_000

type Cursor = { stream: Stream; next: number; paused: boolean; backingOff: boolean }

/** One subscription or tail. */
export type Reader = {
  topics: string[]
  group?: string
  cursors: Map<number, Cursor>
  onRecords(records: BusRecord[]): void
  onRevoked?: SubscribeOptions['onRevoked']
  onError?: SubscribeOptions['onError']
}

/** Keeps the cursors of all subscriptions and tails, and shares the partitions among the members of a group. */
export function openReaders(store: BusStore, retry: () => void) {
  const readers = new Set<Reader>()

  /** Delivers one batch of each partition. Returns true when more records wait. */
  function deliver(): boolean {
    let more = false
    for (const reader of readers)
      for (const cursor of reader.cursors.values()) {
        if (cursor.paused || cursor.backingOff || cursor.next >= cursor.stream.end) continue
        more = deliverFrom(reader, cursor) || more
      }
    return more
  }

  function deliverFrom(reader: Reader, cursor: Cursor): boolean {
    const records = readBatch(reader, cursor)
    if (records === undefined) return false
    // The cursor moves first: the reader may pause, close or lose it while it gets the records.
    cursor.next = (records.at(-1)?.offset ?? cursor.stream.end - 1) + 1
    if (records.length > 0) reader.onRecords(records)
    return cursor.next < cursor.stream.end
  }

  function readBatch(reader: Reader, cursor: Cursor): BusRecord[] | undefined {
    try {
      return store.read(cursor.stream, cursor.next, BATCH_RECORDS)
    } catch (error) {
      backOff(cursor)
      const reason = (error as Error).message
      reader.onError?.(new LaresError('unavailable', `the log cannot be read: ${reason}`, { cause: error }))
      return undefined
    }
  }

  /** After a failed read of the disk, waits before the next one, instead of reading in every turn. */
  function backOff(cursor: Cursor): void {
    cursor.backingOff = true
    setTimeout(() => {
      cursor.backingOff = false
      retry()
    }, RETRY_DELAY_MS).unref()
  }

  /** Assigns every member its partitions. The same partition number of each topic goes to the same member. */
  function rebalance(group: string): void {
    const members = [...readers].filter(reader => reader.group === group)
    const shares = new Map(members.map(member => [member, new Map<number, Stream>()]))
    for (const [topic, streams] of store.topics) {
      const subscribers = members.filter(member => member.topics.includes(topic))
      if (subscribers.length === 0) continue
      for (const stream of streams)
        shares.get(subscribers[stream.partition % subscribers.length]!)!.set(stream.id, stream)
    }
    for (const [member, streams] of shares) revoke(member, streams)
    for (const [member, streams] of shares)
      for (const stream of streams.values()) addCursor(member, stream, store.committed(group, stream) ?? 0)
  }

  function revoke(member: Reader, keep: Map<number, Stream>): void {
    const lost = [...member.cursors.values()].filter(cursor => !keep.has(cursor.stream.id))
    for (const cursor of lost) member.cursors.delete(cursor.stream.id)
    if (lost.length > 0)
      member.onRevoked?.(lost.map(({ stream: { topic, partition } }) => ({ topic, partition })))
  }

  return {
    deliver,
    hasMembers: (group: string) => [...readers].some(reader => reader.group === group),
    add(reader: Reader): void {
      readers.add(reader)
      if (reader.group !== undefined) rebalance(reader.group)
      else for (const stream of streamsOf(store, reader.topics)) addCursor(reader, stream, stream.end)
    },
    remove(reader: Reader): void {
      readers.delete(reader)
      reader.cursors.clear()
      if (reader.group !== undefined) rebalance(reader.group)
    },
    /** Adds a created topic. Readers that wait for it read it from its first record. */
    topicAdded(topic: string): void {
      const waiting = [...readers].filter(reader => reader.topics.includes(topic))
      for (const reader of waiting)
        if (reader.group === undefined)
          for (const stream of streamsOf(store, [topic])) addCursor(reader, stream, 0)
      for (const group of new Set(waiting.map(reader => reader.group)))
        if (group !== undefined) rebalance(group)
    },
    failed(error: unknown): void {
      for (const reader of readers) reader.onError?.(error)
    },
  }
}

function addCursor(reader: Reader, stream: Stream, next: number): void {
  if (!reader.cursors.has(stream.id))
    reader.cursors.set(stream.id, { stream, next, paused: false, backingOff: false })
}

function streamsOf(store: BusStore, topics: string[]): Stream[] {
  return topics.flatMap(topic => store.topics.get(topic) ?? [])
}

export function findCursor(reader: Reader, { topic, partition }: TopicPartition): Cursor | undefined {
  return [...reader.cursors.values()].find(
    ({ stream }) => stream.topic === topic && stream.partition === partition,
  )
}

/** Keeps those positions whose partitions the reader still owns. */
export function ownedPositions(reader: Reader, positions: Position[]): { stream: Stream; offset: number }[] {
  return positions.flatMap(position => {
    const cursor = findCursor(reader, position)
    return cursor === undefined ? [] : [{ stream: cursor.stream, offset: position.offset }]
  })
}
