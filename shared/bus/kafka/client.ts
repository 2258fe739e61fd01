import type {
  BusMessage,
  BusRecord,
  Position,
  SubscribeOptions,
  TopicPartition,
  TopicSettings,
} from '../bus.ts'

/** A message and the partition that its key selects. */
export type PartitionedMessage = BusMessage & { partition: number }

/**
 * The operations that the driver `kafka` needs from a client library. Each call is one attempt, which ends within a few
 * seconds. Errors are `LaresError`s: `unavailable` when a retry may help, `not_found` for an unknown topic,
 * `too_large`, `busy` for a group that has members.
 */
export type KafkaClient = {
  /** The number of partitions of each topic; the map leaves out missing topics. */
  partitionCounts(topics: string[]): Promise<Map<string, number>>
  /** Creates the missing topics. Their records carry the broker's time. */
  createTopics(topics: TopicSettings[], partitions: number): Promise<void>
  /**
   * Appends the messages in one request to each broker and keeps the order within a partition. All in-sync replicas
   * acknowledge the write.
   */
  produce(messages: PartitionedMessage[]): Promise<void>
  /**
   * For each partition, the offset of its first record, of its end, or of the first record from a time on. When no
   * record is that young, the end.
   */
  listOffsets(topic: string, at: OffsetSpec): Promise<number[]>
  /** For each partition, the position that the group has committed, or null. */
  committedOffsets(group: string, topic: string, partitions: number): Promise<(number | null)[]>
  /** Moves a group without members. Errors: `busy`. */
  alterGroupOffsets(group: string, positions: Position[]): Promise<void>
  hasMembers(group: string): Promise<boolean>
  /** Prepares to join a group. The member joins with its first topics and keeps retrying by itself. */
  joinGroup(options: JoinGroupOptions): GroupMember
  /** Reads without a group, from given positions. Keeps retrying by itself. */
  openStandaloneConsumer(options: ConsumerCallbacks): StandaloneConsumer
  /** Rejects when the brokers are unreachable, or when a partition of these topics has no leader for writes. */
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
    /** Called after each rebalance, when the member has its partitions. */
    onJoined(): void
  }

/** The same methods as in the port's `Subscription`. */
export type GroupMember = {
  /** Adds existing topics to the subscription. */
  addTopics(topics: string[]): void
  commit(positions: Position[]): Promise<void>
  pause(partitions: TopicPartition[]): void
  resume(partitions: TopicPartition[]): void
  close(): Promise<void>
}

export type KafkaSettings = {
  brokers: string[]
  /** The broker takes a member that sends no heartbeat for this long for dead and reassigns its partitions. */
  sessionTimeoutMs: number
  heartbeatIntervalMs: number
  /** How long members have to rejoin during a rebalance. */
  rebalanceTimeoutMs: number
  connectTimeoutMs: number
  requestTimeoutMs: number
  /** How long a broker holds a fetch that finds no records. */
  fetchMaxWaitMs: number
}

/** The timeouts fit into each other, so that a publish ends within ten seconds, its last attempt included. */
export const DEFAULT_KAFKA_SETTINGS: Omit<KafkaSettings, 'brokers'> = {
  sessionTimeoutMs: 6_000,
  heartbeatIntervalMs: 1_000,
  rebalanceTimeoutMs: 6_000,
  connectTimeoutMs: 2_000,
  requestTimeoutMs: 4_000,
  fetchMaxWaitMs: 500,
}

export const CLIENT_ID = 'lares'
/** The maximum size of one fetch in bytes, over all partitions and for each one. */
export const MAX_FETCH_BYTES = 8 * 1024 * 1024
export const MAX_FETCH_PARTITION_BYTES = 1024 * 1024
/** The wait between two attempts of an operation that keeps retrying by itself. */
export const RETRY_DELAY_MS = 250

export const topicPartitionId = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`
