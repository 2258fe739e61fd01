/**
 * The bus: a partitioned log with consumer groups. Drivers: `sqlite` (embedded, one process) and `kafka`.
 *
 * Guarantees of every driver:
 * - `publish` resolves when the records are durable: they survive kill -9 of this process and, for the embedded
 *   driver, power loss (Kafka: as the broker's replication and flush settings say). Records of one key keep the order
 *   of the calls. A rejected publish may still have written some of its records; publishing again is always allowed,
 *   because readers tell duplicates by event id.
 * - All topics have the same number of partitions and one partitioner, so a key is on the same partition number
 *   in every topic.
 * - A group reads each partition in order. Delivery is at least once: after a crash, reading goes on from the last
 *   committed position. Commits are durable when `commit` resolves.
 * - A group that has never committed starts at the earliest record; a tail starts at the end.
 * - Retention is by age. It removes old records whether or not a group has read them.
 */
export type Bus = {
  /** Creates the topics that do not exist yet. Calling it again is free. A topic's settings are those of its first creation. */
  ensureTopics(topics: TopicSettings[]): Promise<void>
  /**
   * Appends records; all calls of one turn of the event loop are written together. Errors: `unavailable` (retryable,
   * after about ten seconds at most), `too_large`, `not_found` when a topic does not exist.
   */
  publish(messages: BusMessage[]): Promise<void>
  /**
   * Joins a consumer group. Records arrive by `onRecords` until `close`. Resolves when the subscription is set up, also
   * while the log cannot be reached: it keeps trying by itself. A topic may be created later.
   */
  subscribe(options: SubscribeOptions): Promise<Subscription>
  /**
   * Reads new records of all partitions without a group: each tail sees everything that is published after this
   * resolves. While the log cannot be reached it stays pending and keeps trying.
   */
  tail(options: TailOptions): Promise<{ close(): Promise<void> }>
  /** Reads stored records, oldest first, without a group. An unknown topic has none. */
  read(topic: string, options?: ReadOptions): Promise<BusRecord[]>
  /** Moves a group, which must have no members, to an offset or a time (milliseconds since the epoch) in every partition given (default all). Errors: `busy` when it has members, `not_found`. */
  reset(group: string, topic: string, to: ResetTarget, partitions?: number[]): Promise<void>
  /** How far a group is behind, per partition. */
  lag(group: string, topics: string[]): Promise<PartitionLag[]>
  /** Resolves when the log can be reached and written to; rejects with `unavailable` and the reason. */
  check(): Promise<void>
  close(): Promise<void>
}

export type TopicSettings = { name: string; retentionMs?: number }

export type BusMessage = {
  topic: string
  /** Decides the partition; records of one key keep their order. */
  key: string
  headers: Record<string, string>
  value: Buffer
}

export type BusRecord = BusMessage & {
  partition: number
  /** Position in the partition, ascending; gaps are allowed. */
  offset: number
  /** When the record was appended, in milliseconds since the epoch. */
  timestampMs: number
  /** It was about a person who was forgotten: its content cannot be read any more, and nothing is to be done with it. */
  erased?: true
}

export type TopicPartition = { topic: string; partition: number }

/** `offset` is the next one to read: one past the last finished record. */
export type Position = TopicPartition & { offset: number }

export type SubscribeOptions = {
  group: string
  topics: string[]
  /** Records of one partition in order; called again without waiting, so a slow reader must `pause`. Must not throw. */
  onRecords(records: BusRecord[]): void
  /** Partitions that now belong to another member: their unfinished work must not be committed any more. */
  onRevoked?(partitions: TopicPartition[]): void
  /** The subscription lost its log and is trying again by itself. */
  onError?(error: unknown): void
}

export type Subscription = {
  /** Commits; positions of partitions that were lost meanwhile are dropped silently. */
  commit(positions: Position[]): Promise<void>
  /** No more records of these partitions are delivered until `resume`; a few that were already fetched may still come. */
  pause(partitions: TopicPartition[]): void
  resume(partitions: TopicPartition[]): void
  /** Leaves the group. No record is delivered after it resolves. */
  close(): Promise<void>
}

export type TailOptions = {
  topics: string[]
  onRecords(records: BusRecord[]): void
  onError?(error: unknown): void
}

export type ReadOptions = {
  partition?: number
  /** From this offset (with `partition`) or from this time on. */
  from?: { offset: number } | { timeMs: number }
  /** At most this many records of each partition; default 1,000. */
  limit?: number
}

export type ResetTarget = { offset: number } | { timeMs: number } | 'earliest' | 'latest'

export type PartitionLag = TopicPartition & {
  /** Next offset to read; null when the group has never committed here. */
  committed: number | null
  /** One past the last record. */
  end: number
  /** Records not yet finished. */
  lag: number
}

/** Partitions of every topic. One number for all of them is what keeps a conversation on one partition everywhere. */
export const DEFAULT_PARTITIONS = 6
