import type {
  BusMessage,
  BusRecord,
  Position,
  SubscribeOptions,
  TopicPartition,
  TopicSettings,
} from '../bus.ts'

/** A message and the partition that its key puts it on. */
export type PlacedMessage = BusMessage & { partition: number }

/**
 * What the driver `kafka` asks of a client library. Each call is one try, which ends within a few seconds; its errors are
 * `LaresError`s: `unavailable` when it may be tried again, `not_found` for an unknown topic, `too_large`, `busy` for a group
 * that has members.
 */
export type KafkaClient = {
  /** How many partitions each of these topics has; topics that do not exist are left out. */
  partitions(topics: string[]): Promise<Map<string, number>>
  /** Creates those that do not exist. Their records carry the broker's time. */
  createTopics(topics: TopicSettings[], partitions: number): Promise<void>
  /** Appends the messages, those of one partition in order, in one request to each broker; acknowledged by all replicas in sync. */
  produce(messages: PlacedMessage[]): Promise<void>
  /** For each partition the offset of its first record, of its end, or of the first record from a time on (its end when there is none). */
  offsets(topic: string, at: OffsetAt): Promise<number[]>
  /** For each partition the position that the group has committed; null when it has none. */
  committed(group: string, topic: string, partitions: number): Promise<(number | null)[]>
  /** Moves a group without members. Errors: `busy`. */
  setCommitted(group: string, positions: Position[]): Promise<void>
  hasMembers(group: string): Promise<boolean>
  /** Prepares to join a group; it joins with its first topics. Keeps trying by itself. */
  join(options: JoinOptions): Member
  /** Reads without a group, from the positions that it is given. Keeps trying by itself. */
  follow(options: FollowOptions): Follower
  /** Rejects when the brokers cannot be reached or a partition of these topics has no leader to write to. */
  check(topics: string[]): Promise<void>
  close(): Promise<void>
}

export type OffsetAt = 'earliest' | 'latest' | { timeMs: number }

export type FollowOptions = {
  onRecords(records: BusRecord[]): void
  onError(error: unknown): void
}

export type Follower = {
  add(positions: Position[]): void
  close(): Promise<void>
}

export type JoinOptions = FollowOptions &
  Required<Pick<SubscribeOptions, 'group' | 'onRevoked'>> & {
    /** It has its share of the partitions; called after each rebalance. */
    onJoined(): void
  }

/** As `Subscription` of the port. */
export type Member = {
  /** Reads these topics too, which exist. */
  add(topics: string[]): void
  commit(positions: Position[]): Promise<void>
  pause(partitions: TopicPartition[]): void
  resume(partitions: TopicPartition[]): void
  close(): Promise<void>
}

export type KafkaSettings = {
  brokers: string[]
  /** A member that says nothing for so long is taken for dead, and its partitions move. */
  sessionTimeoutMs: number
  heartbeatEveryMs: number
  /** How long members have to come back when the partitions are shared anew. */
  rebalanceTimeoutMs: number
  connectTimeoutMs: number
  requestTimeoutMs: number
  /** How long a broker holds a fetch that finds nothing. */
  maxWaitMs: number
}

/** One below each other so that a publish has ended, with its last try, within ten seconds. */
export const KAFKA_SETTINGS: Omit<KafkaSettings, 'brokers'> = {
  sessionTimeoutMs: 6_000,
  heartbeatEveryMs: 1_000,
  rebalanceTimeoutMs: 6_000,
  connectTimeoutMs: 2_000,
  requestTimeoutMs: 4_000,
  maxWaitMs: 500,
}

export const CLIENT_ID = 'lares'
/** The most that one fetch brings, in bytes, of all partitions and of one. */
export const MAX_FETCH_BYTES = 8 * 1024 * 1024
export const MAX_FETCH_PARTITION_BYTES = 1024 * 1024
/** Between two tries of what keeps trying by itself. */
export const RETRY_MS = 250

export const idOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`
