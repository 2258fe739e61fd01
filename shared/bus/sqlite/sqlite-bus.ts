import { LaresError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { isDamageError } from '../../base/sqlite/damage.ts'
import type { Bus, BusMessage, ReadOptions, ResetTarget } from '../bus.ts'
import { checkRecordSize } from '../message.ts'
import { partitionOf } from '../partition.ts'
import { findCursor, openReaders, ownedPositions, type Reader } from './readers.ts'
import { openBusStore, type Stream } from './record-store.ts'
import { removeExpired } from './retention.ts'

export type SqliteBusOptions = {
  file: string
  /** The number of partitions of a new file; an existing file keeps its number. */
  partitions?: number
  now?: () => number
  /** Receives a message when a file of an older Lares is migrated. */
  log?: Logger
}

const DEFAULT_LIMIT = 1_000
const RETENTION_CHECK_MS = 10_000

/**
 * Opens the embedded log: one SQLite file, owned by one process. Publishes and commits of one turn of the event loop
 * are one transaction with one sync. After it, the bus calls its readers at once. Errors: those of `openBusStore`.
 */
export function openSqliteBus({ file, partitions, now = Date.now, log }: SqliteBusOptions): Bus {
  const store = openBusStore(file, partitions, log)
  const readers = openReaders(store, () => wake())
  const { enqueue, flush, wake, isOpen, requireOpen, close } = openWriteQueue(
    file,
    store.write,
    readers.deliver,
  )
  const retention = setInterval(() => void expire(), RETENTION_CHECK_MS).unref()

  /**
   * Deletes expired records in small batches, each in the transaction of its turn, so that no caller waits for them.
   */
  async function expire(): Promise<void> {
    let more = true
    try {
      while (more)
        await enqueue(() => {
          more = removeExpired(store, now())
        })
    } catch (error) {
      readers.failed(error)
    }
  }

  function addReader(reader: Reader): () => Promise<void> {
    requireOpen()
    flush()
    readers.add(reader)
    wake()
    return async () => {
      if (!isOpen()) return
      // The commits of this member must be stored before another member takes over.
      flush()
      readers.remove(reader)
      wake()
    }
  }

  function streamsOf(topic: string, partitions?: number[]): Stream[] {
    const streams = store.topics.get(topic) ?? []
    return partitions === undefined
      ? streams
      : streams.filter(({ partition }) => partitions.includes(partition))
  }

  function streamFor({ topic, key }: BusMessage): Stream {
    const stream = store.topics.get(topic)?.[partitionOf(key, store.partitions)]
    if (stream === undefined) throw unknownTopicError(topic)
    return stream
  }

  function resolveOffset(stream: Stream, to: ResetTarget): number {
    if (to === 'latest') return stream.end
    if (to === 'earliest') return store.start(stream)
    if ('timeMs' in to) return store.offsetAt(stream, to.timeMs)
    return Math.min(Math.max(to.offset, store.start(stream)), stream.end)
  }

  function readFrom(stream: Stream, { from, limit = DEFAULT_LIMIT }: ReadOptions) {
    return store.read(stream, from === undefined ? 0 : resolveOffset(stream, from), limit)
  }

  return {
    async ensureTopics(topics) {
      const missing = topics.filter(({ name }) => !store.topics.has(name))
      if (missing.length === 0) return
      await enqueue(() => {
        for (const topic of missing) store.addTopic(topic)
      })
      for (const { name } of missing) readers.topicAdded(name)
      wake()
    },
    async publish(messages) {
      for (const message of messages) checkRecordSize(message)
      const targets = messages.map(streamFor)
      if (messages.length === 0) return
      await enqueue(() => {
        for (const [index, message] of messages.entries()) store.append(targets[index]!, message, now())
      })
    },
    async subscribe(options) {
      const reader: Reader = { ...options, cursors: new Map() }
      const leave = addReader(reader)
      return {
        async commit(positions) {
          const owned = ownedPositions(reader, positions)
          if (owned.length === 0) return
          await enqueue(() => {
            for (const { stream, offset } of owned) store.commit(options.group, stream, offset)
          })
        },
        pause: partitions => setPaused(reader, partitions, true),
        resume(partitions) {
          setPaused(reader, partitions, false)
          wake()
        },
        close: leave,
      }
    },
    async tail(options) {
      return { close: addReader({ ...options, cursors: new Map() }) }
    },
    async read(topic, options = {}) {
      requireOpen()
      const streams = streamsOf(topic, options.partition === undefined ? undefined : [options.partition])
      return streams
        .flatMap(stream => readFrom(stream, options))
        .sort((a, b) => a.timestampMs - b.timestampMs)
    },
    async reset(group, topic, to, partitions) {
      requireOpen()
      if (readers.hasMembers(group)) throw groupBusyError(group)
      if (!store.topics.has(topic)) throw unknownTopicError(topic)
      await enqueue(() => {
        for (const stream of streamsOf(topic, partitions))
          store.commit(group, stream, resolveOffset(stream, to))
      })
    },
    async lag(group, topics) {
      requireOpen()
      flush()
      return topics
        .flatMap(topic => streamsOf(topic))
        .map(stream => {
          const committed = store.committed(group, stream)
          const start = store.start(stream)
          const lag = stream.end - Math.max(committed ?? start, start)
          return { topic: stream.topic, partition: stream.partition, committed, end: stream.end, lag }
        })
    },
    check: () => enqueue(() => store.touch(now())),
    async close() {
      clearInterval(retention)
      if (close()) store.close()
    },
  }
}

type QueuedWrite = { apply(): void; resolve(): void; reject(error: unknown): void }

/**
 * Group commit: gathers the writes of one turn of the event loop, writes them as one and then delivers records to
 * readers.
 */
function openWriteQueue(file: string, write: (work: () => void) => void, deliver: () => boolean) {
  let writes: QueuedWrite[] = []
  let closed = false
  let wakeScheduled = false

  function flush(): void {
    const batch = writes
    writes = []
    if (batch.length === 0) return
    try {
      write(() => {
        for (const { apply } of batch) apply()
      })
    } catch (error) {
      const failure = unavailableError(file, error)
      for (const { reject } of batch) reject(failure)
      return
    }
    for (const { resolve } of batch) resolve()
  }

  function requireOpen(): void {
    if (closed) throw new LaresError('unavailable', `the log ${file} is closed`)
  }

  /**
   * Flushes and delivers in the next turn. A delivery that leaves records waits one turn for the rest, so that writers
   * and sockets get theirs.
   */
  function wake(): void {
    if (wakeScheduled || closed) return
    wakeScheduled = true
    setImmediate(() => {
      wakeScheduled = false
      flush()
      if (!closed && deliver()) wake()
    })
  }

  return {
    flush,
    wake,
    isOpen: () => !closed,
    requireOpen,
    async enqueue(apply: () => void): Promise<void> {
      requireOpen()
      wake()
      return new Promise((resolve, reject) => writes.push({ apply, resolve, reject }))
    },
    /** Returns true when the queue was open. */
    close(): boolean {
      flush()
      const wasOpen = !closed
      closed = true
      return wasOpen
    },
  }
}

function setPaused(
  reader: Reader,
  partitions: { topic: string; partition: number }[],
  paused: boolean,
): void {
  for (const partition of partitions) {
    const cursor = findCursor(reader, partition)
    if (cursor !== undefined) cursor.paused = paused
  }
}

function unavailableError(file: string, cause: unknown): LaresError {
  if (cause instanceof LaresError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  const message = isDamageError(cause) ? reason : `the log ${file} cannot be written: ${reason}`
  return new LaresError('unavailable', message, { cause })
}

function unknownTopicError(topic: string): LaresError {
  return new LaresError('not_found', `the bus has no topic "${topic}": call ensureTopics first`)
}

function groupBusyError(group: string): LaresError {
  return new LaresError('busy', `the group "${group}" has members: close them before it is moved`)
}
