import type { ClusterMetadata, Consumer, RecordsBatch } from '@platformatic/kafka'
import { ConnectionPool } from '@platformatic/kafka'
import type { BusRecord, Position, TopicPartition } from '../bus.ts'
import {
  CLIENT_ID,
  type ConsumerCallbacks,
  type KafkaSettings,
  MAX_FETCH_BYTES,
  MAX_FETCH_PARTITION_BYTES,
  RETRY_DELAY_MS,
  topicPartitionId,
} from './client.ts'
import { kafkaErrorName, platformaticError } from './platformatic-errors.ts'

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>
type Cursor = TopicPartition & { next: bigint; paused: boolean }

/** Attribute bits of a record batch (Kafka's documentation, "Record Batch"). */
const APPEND_TIME = 1 << 3
const CONTROL = 1 << 5

/**
 * Reads partitions from given positions, with one request to each broker at a time, on connections of its own. A broker
 * answers a connection's requests in turn, so a heartbeat must not wait behind a fetch that waits for records. The
 * library's own stream pauses only all partitions together. It also keeps positions of partitions that were lost.
 */
export function openFetcher(consumer: Consumer, settings: KafkaSettings, options: ConsumerCallbacks) {
  const { connectTimeoutMs, requestTimeoutMs, fetchMaxWaitMs } = settings
  const cursors = new Map<string, Cursor>()
  const busyNodes = new Set<number>()
  const pool = new ConnectionPool(CLIENT_ID, {
    connectTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs + fetchMaxWaitMs,
  })
  let isStarting = false
  let closed = false
  let retryTimer: NodeJS.Timeout | undefined

  const wanted = (): Cursor[] => [...cursors.values()].filter(({ paused }) => !paused)
  /** Starts a fetch at each broker that has a partition to read and no running fetch. */
  const startFetches = async (): Promise<void> => {
    if (closed || isStarting || retryTimer !== undefined) return
    if (wanted().length === 0) return
    isStarting = true
    try {
      const metadata = await consumer.metadata({ topics: consumer.topics.current.slice() })
      for (const [node, ofNode] of Map.groupBy(wanted(), cursor => leaderOf(metadata, cursor)))
        if (!busyNodes.has(node)) void fetchFrom(node, ofNode, metadata)
    } catch (error) {
      scheduleRetry(error)
    }
    isStarting = false
  }
  const fetchFrom = async (node: number, wanted: Cursor[], metadata: ClusterMetadata): Promise<void> => {
    busyNodes.add(node)
    const asked = new Map(wanted.map(cursor => [cursor, cursor.next]))
    try {
      handleResponse(await request(node, wanted, metadata), metadata, asked)
    } catch (error) {
      if (kafkaErrorName(error) === 'OFFSET_OUT_OF_RANGE') await resetOffsets(wanted).catch(scheduleRetry)
      else scheduleRetry(error)
    }
    busyNodes.delete(node)
    // The requests that these records cause go out first. Somebody may wait for them, and nobody waits for the next
    // fetch.
    setImmediate(() => void startFetches())
  }
  const request = (node: number, wanted: Cursor[], metadata: ClusterMetadata): Promise<FetchResponse> =>
    consumer.fetch({
      node,
      maxWaitTime: fetchMaxWaitMs,
      minBytes: 1,
      maxBytes: MAX_FETCH_BYTES,
      connectionPool: pool,
      topics: [...Map.groupBy(wanted, ({ topic }) => topic)].map(([topic, partitions]) => ({
        topicId: metadata.topics.get(topic)!.id,
        partitions: partitions.map(({ partition, next }) => ({
          partition,
          fetchOffset: next,
          partitionMaxBytes: MAX_FETCH_PARTITION_BYTES,
          currentLeaderEpoch: -1,
          lastFetchedEpoch: -1,
        })),
      })),
    })
  /** `asked` maps each requested cursor to its offset at the request. */
  const handleResponse = (
    response: FetchResponse,
    metadata: ClusterMetadata,
    asked: ReadonlyMap<Cursor, bigint>,
  ): void => {
    const names = new Map([...metadata.topics].map(([name, { id }]) => [id, name]))
    for (const { topicId, partitions } of response.responses)
      for (const { partitionIndex, records } of partitions) {
        const cursor = cursors.get(
          topicPartitionId({ topic: names.get(topicId) ?? '', partition: partitionIndex }),
        )
        // The fetcher reads a partition again later if it was paused or lost during the fetch. A partition that was
        // lost and came back continues at another offset. The requested offset may lie behind that, and using its
        // records would skip those in between.
        const isCurrent = cursor && !cursor.paused && asked.get(cursor) === cursor.next
        if (isCurrent && records && records.length > 0) deliver(cursor, records)
      }
  }
  const deliver = (cursor: Cursor, batches: RecordsBatch[]): void => {
    const records = batches.flatMap(batch => recordsOf(batch, cursor))
    const last = batches.at(-1)!
    // The cursor moves first: the reader may pause, close or lose this partition while it gets the records.
    cursor.next = last.firstOffset + BigInt(last.lastOffsetDelta) + 1n
    if (records.length > 0 && !closed) options.onRecords(records)
  }
  /** Continues with the oldest stored record after retention has removed the next one. */
  const resetOffsets = async (wanted: Cursor[]): Promise<void> => {
    const topics = [...new Set(wanted.map(({ topic }) => topic))]
    const [first, end] = await Promise.all([
      consumer.listOffsets({ topics, timestamp: -2n }),
      consumer.listOffsets({ topics, timestamp: -1n }),
    ])
    for (const cursor of wanted) {
      const oldest = first.get(cursor.topic)![cursor.partition]!
      if (cursor.next < oldest || cursor.next > end.get(cursor.topic)![cursor.partition]!)
        cursor.next = oldest
    }
  }
  const scheduleRetry = (error: unknown): void => {
    if (closed || retryTimer !== undefined) return
    consumer.clearMetadata()
    options.onError(platformaticError('records cannot be fetched', error))
    retryTimer = setTimeout(() => {
      retryTimer = undefined
      void startFetches()
    }, RETRY_DELAY_MS)
  }
  const setPaused = (partitions: TopicPartition[], paused: boolean): void => {
    for (const partition of partitions) {
      const cursor = cursors.get(topicPartitionId(partition))
      if (cursor) cursor.paused = paused
    }
  }

  return {
    holds: (partition: TopicPartition) => cursors.has(topicPartitionId(partition)),
    held: (): TopicPartition[] => [...cursors.values()].map(({ topic, partition }) => ({ topic, partition })),
    add(positions: Position[]): void {
      for (const { topic, partition, offset } of positions)
        cursors.set(topicPartitionId({ topic, partition }), {
          topic,
          partition,
          next: BigInt(offset),
          paused: false,
        })
      void startFetches()
    },
    remove(partitions: TopicPartition[]): void {
      for (const partition of partitions) cursors.delete(topicPartitionId(partition))
    },
    pause: (partitions: TopicPartition[]) => setPaused(partitions, true),
    resume(partitions: TopicPartition[]): void {
      setPaused(partitions, false)
      void startFetches()
    },
    async close(): Promise<void> {
      closed = true
      clearTimeout(retryTimer)
      cursors.clear()
      await pool.close()
    },
  }
}

export type Fetcher = ReturnType<typeof openFetcher>

function leaderOf(metadata: ClusterMetadata, { topic, partition }: TopicPartition): number {
  const leader = metadata.topics.get(topic)?.partitions[partition]?.leader
  if (leader === undefined || leader < 0)
    throw new Error(`partition ${partition} of "${topic}" has no leader just now`)
  return leader
}

function recordsOf(batch: RecordsBatch, cursor: Cursor): BusRecord[] {
  if (batch.attributes & CONTROL) return []
  const { topic, partition, next } = cursor
  const isAppendTime = (batch.attributes & APPEND_TIME) !== 0
  return batch.records
    .filter(({ offsetDelta }) => batch.firstOffset + BigInt(offsetDelta) >= next)
    .map(record => ({
      topic,
      partition,
      offset: Number(batch.firstOffset) + record.offsetDelta,
      timestampMs: Number(
        isAppendTime ? batch.maxTimestamp : batch.firstTimestamp + BigInt(record.timestampDelta),
      ),
      key: textOf(record.key),
      headers: headersOf(record.headers),
      value: record.value ?? Buffer.alloc(0),
    }))
}

function headersOf(raw: [name: Buffer | null, value: Buffer | null][]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of raw) headers[textOf(name)] = textOf(value)
  return headers
}

const textOf = (bytes: Buffer | null | undefined): string => bytes?.toString() ?? ''
