import type {
  BusMessage,
  BusRecord,
  Position,
  SubscribeOptions,
  TopicPartition,
  TopicSettings,
} from '../bus.ts'

/** A message and the partition that its key puts it on. */
export type PartitionedMessage = BusMessage & { partition: number }

/**
 * What the driver `kafka` asks of a client library. Each call is one try, which ends within a few seconds; its errors are
 * `LaresError`s: `unavailable` when it may be tried again, `not_found` for an unknown topic, `too_large`, `busy` for a group
 * that has members.
 */
export type KafkaClient = {
  /** How many partitions each of these topics has; topics that do not exist are left out. */
  partitionCounts(topics: string[]): Promise<Map<string, number>>
  /** Creates those that do not exist. Their records carry the broker's time. */
  createTopics(topics: TopicSettings[], partitions: number): Promise<void>
  /** Appends the messages, those of one partition in order, in one request to each broker; acknowledged by all replicas in sync. */
  produce(messages: PartitionedMessage[]): Promise<void>
  /** For each partition the offset of its first record, of its end, or of the first record from a time on (its end when there is none). */
  listOffsets(topic: string, at: OffsetSpec): Promise<number[]>
  /** For each partition the position that the group has committed; null when it has none. */
  committedOffsets(group: string, topic: string, partitions: number): Promise<(number | null)[]>
  /** Moves a group without members. Errors: `busy`. */
  alterGroupOffsets(group: string, positions: Position[]): Promise<void>
  hasMembers(group: string): Promise<boolean>
  /** Prepares to join a group; it joins with its first topics. Keeps trying by itself. */
  joinGroup(options: JoinGroupOptions): GroupMember
  /** Reads without a group, from the positions that it is given. Keeps trying by itself. */
  openStandaloneConsumer(options: ConsumerCallbacks): StandaloneConsumer
  /** Rejects when the brokers cannot be reached or a partition of these topics has no leader to write to. */
  check(topics: string[]): Promise<void>
  close(): Promise<void>
}

export type OffsetSpec = 'earliest' | 'latest' | { timeMs: number }

export type ConsumerCallbacks = {
  onRecords(records: BusRecord[]): void
  onError(error: unknown): void
}

export type StandaloneConsumer = {
  assign(positions: Position[]): void
  close(): Promise<void>
}

export type JoinGroupOptions = ConsumerCallbacks &
  Required<Pick<SubscribeOptions, 'group' | 'onRevoked'>> & {
    /** It has its share of the partitions; called after each rebalance. */
    onJoined(): void
  }

/** As `Subscription` of the port. */
export type GroupMember = {
  /** Reads these topics too, which exist. */
  addTopics(topics: string[]): void
  commit(positions: Position[]): Promise<void>
  pause(partitions: TopicPartition[]): void
  resume(partitions: TopicPartition[]): void
  close(): Promise<void>
}

export type KafkaSettings = {
  brokers: string[]
  /** A member that says nothing for so long is taken for dead, and its partitions move. */
  sessionTimeoutMs: number
  heartbeatIntervalMs: number
  /** How long members have to come back when the partitions are shared anew. */
  rebalanceTimeoutMs: number
  connectTimeoutMs: number
  requestTimeoutMs: number
  /** How long a broker holds a fetch that finds nothing. */
  fetchMaxWaitMs: number
}

/** One below each other so that a publish has ended, with its last try, within ten seconds. */
export const DEFAULT_KAFKA_SETTINGS: Omit<KafkaSettings, 'brokers'> = {
  sessionTimeoutMs: 6_000,
  heartbeatIntervalMs: 1_000,
  rebalanceTimeoutMs: 6_000,
  connectTimeoutMs: 2_000,
  requestTimeoutMs: 4_000,
  fetchMaxWaitMs: 500,
}

export const CLIENT_ID = 'lares'
/** The most that one fetch brings, in bytes, of all partitions and of one. */
export const MAX_FETCH_BYTES = 8 * 1024 * 1024
export const MAX_FETCH_PARTITION_BYTES = 1024 * 1024
/** Between two tries of what keeps trying by itself. */
export const RETRY_DELAY_MS = 250

export const topicPartitionId = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`
