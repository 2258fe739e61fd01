/**
 * The bus: a partitioned log with consumer groups. Drivers: `sqlite` (embedded, one process) and `kafka`.
 *
 * Guarantees of every driver:
 * - `publish` resolves when the records are durable. They survive kill -9 of this process and, for the embedded driver,
 *   power loss (Kafka: as the broker's replication and flush settings say). Records of one key keep the order of the
 *   calls. A rejected publish may still have written some of its records. Publishing again is always allowed, because
 *   readers recognise duplicates by event id.
 * - All topics have the same number of partitions and one partitioner, so a key is on the same partition number in
 *   every topic.
 * - A group reads each partition in order. Delivery is at least once: after a crash, the group continues from the last
 *   committed position. Commits are durable when `commit` resolves.
 * - A group that has never committed starts at the earliest record; a tail starts at the end.
 * - Retention is by age. It removes old records whether or not a group has read them.
 */
export type Bus = {
  /** Creates the missing topics. Repeated calls are cheap. A topic keeps the settings of its first creation. */
  ensureTopics(topics: TopicSettings[]): Promise<void>
  /**
   * Appends records. The driver writes all calls of one turn of the event loop together. Errors: `unavailable`
   * (retryable, after about ten seconds at most), `too_large`, `not_found` when a topic does not exist.
   */
  publish(messages: BusMessage[]): Promise<void>
  /**
   * Joins a consumer group. `onRecords` receives records until `close`. Resolves when the subscription is set up, even
   * while the log is unreachable: the subscription then keeps retrying by itself. A topic may be created later.
   */
  subscribe(options: SubscribeOptions): Promise<Subscription>
  /**
   * Reads new records of all partitions without a group. Each tail sees everything that is published after this
   * resolves. While the log is unreachable, the call stays pending and keeps retrying.
   */
  tail(options: TailOptions): Promise<{ close(): Promise<void> }>
  /** Reads stored records without a group, oldest first. An unknown topic gives an empty list. */
  read(topic: string, options?: ReadOptions): Promise<BusRecord[]>
  /**
   * Moves a group without members to an offset or a time (milliseconds since the epoch) in each given partition
   * (default: all). Errors: `busy` when the group has members, `not_found`.
   */
  reset(group: string, topic: string, to: ResetTarget, partitions?: number[]): Promise<void>
  /** The group's lag in each partition. */
  lag(group: string, topics: string[]): Promise<PartitionLag[]>
  /** Resolves when the log can be reached and written to. Rejects with `unavailable` and the reason. */
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
  /** The time of the append, in milliseconds since the epoch. */
  timestampMs: number
  /** The record was about a forgotten person. Its content is unreadable, and consumers skip it. */
  erased?: true
}

export type TopicPartition = { topic: string; partition: number }

/** `offset` is the next offset to read: one past the last finished record. */
export type Position = TopicPartition & { offset: number }

export type SubscribeOptions = {
  group: string
  topics: string[]
  /**
   * Receives records of one partition in order. The bus calls it again without waiting, so a slow reader must `pause`.
   * Must not throw.
   */
  onRecords(records: BusRecord[]): void
  /**
   * Receives partitions that now belong to another member. The reader must not commit their unfinished work any more.
   */
  onRevoked?(partitions: TopicPartition[]): void
  /** Called when the subscription has lost its log. The subscription retries by itself. */
  onError?(error: unknown): void
}

export type Subscription = {
  /** Commits positions. Positions in partitions that the member has lost meanwhile are dropped silently. */
  commit(positions: Position[]): Promise<void>
  /**
   * Stops the delivery of these partitions until `resume`. A few records that were already fetched may still arrive.
   */
  pause(partitions: TopicPartition[]): void
  resume(partitions: TopicPartition[]): void
  /** Leaves the group. No record is delivered after this resolves. */
  close(): Promise<void>
}

export type TailOptions = {
  topics: string[]
  onRecords(records: BusRecord[]): void
  onError?(error: unknown): void
}

export type ReadOptions = {
  partition?: number
  /** Starts at this offset (with `partition`) or at this time. */
  from?: { offset: number } | { timeMs: number }
  /** The maximum number of records of each partition; default 1,000. */
  limit?: number
}

export type ResetTarget = { offset: number } | { timeMs: number } | 'earliest' | 'latest'

export type PartitionLag = TopicPartition & {
  /** The next offset to read; null when the group has never committed here. */
  committed: number | null
  /** One past the last record. */
  end: number
  /** The number of unfinished records. */
  lag: number
}

/**
 * The number of partitions of every topic. One number for all topics keeps a conversation on the same partition in
 * every topic.
 */
export const DEFAULT_PARTITIONS = 6
