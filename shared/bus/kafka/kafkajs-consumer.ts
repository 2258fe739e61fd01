import {
  AssignerProtocol,
  type Consumer,
  type EachBatchPayload,
  type Kafka,
  type PartitionAssigner,
} from 'kafkajs'
import type { BusRecord, TopicPartition } from '../bus.ts'
import { type KafkaSettings, MAX_FETCH_BYTES, MAX_FETCH_PARTITION_BYTES, RETRY_DELAY_MS } from './client.ts'
import { kafkajsError } from './kafkajs-errors.ts'
import { assignPartitions } from './partition-assignment.ts'

export type ConsumerOptions = {
  group: string
  onRecords(records: BusRecord[]): void
  /** Receives the member's current partitions after each rebalance. */
  onAssigned(partitions: TopicPartition[], memberId: string): void
  /** Returning false leaves the records on the log. They are delivered again when the reader wants them. */
  shouldDeliver(partition: TopicPartition): boolean
  onError(error: unknown): void
}

/** Keeps kafkajs's consumer running: it restarts after any failure, and when topics are added. */
export function openConsumer(kafka: Kafka, settings: KafkaSettings, options: ConsumerOptions) {
  const consumer = kafka.consumer({
    groupId: options.group,
    sessionTimeout: settings.sessionTimeoutMs,
    heartbeatInterval: settings.heartbeatIntervalMs,
    rebalanceTimeout: settings.rebalanceTimeoutMs,
    maxWaitTimeInMs: settings.fetchMaxWaitMs,
    maxBytes: MAX_FETCH_BYTES,
    maxBytesPerPartition: MAX_FETCH_PARTITION_BYTES,
    allowAutoTopicCreation: false,
    partitionAssigners: [laresAssigner],
    retry: { retries: 3, initialRetryTime: RETRY_DELAY_MS, restartOnFailure: async () => false },
  })
  const topics = new Set<string>()
  let running: Promise<void> = Promise.resolve()
  let closed = false
  let retryTimer: NodeJS.Timeout | undefined

  const startConsumer = async (): Promise<void> => {
    if (closed) return
    try {
      await consumer.stop()
      await consumer.connect()
      await consumer.subscribe({ topics: [...topics], fromBeginning: true })
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        // Each partition in order, without waiting for another.
        partitionsConsumedConcurrently: 64,
        eachBatch,
      })
    } catch (error) {
      scheduleRetry(error)
    }
  }
  const restart = (): void => {
    running = running.then(startConsumer)
  }
  const scheduleRetry = (error: unknown): void => {
    if (closed || retryTimer !== undefined) return
    options.onError(kafkajsError(`"${options.group}" cannot read`, error))
    retryTimer = setTimeout(() => {
      retryTimer = undefined
      restart()
    }, RETRY_DELAY_MS)
  }
  const eachBatch = async ({ batch, resolveOffset }: EachBatchPayload): Promise<void> => {
    const { topic, partition } = batch
    if (closed || !options.shouldDeliver({ topic, partition })) return
    const records = batch.messages.map(message => ({
      topic,
      partition,
      offset: Number(message.offset),
      timestampMs: Number(message.timestamp),
      key: message.key?.toString() ?? '',
      headers: Object.fromEntries(
        Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]),
      ),
      value: message.value ?? Buffer.alloc(0),
    }))
    resolveOffset(batch.lastOffset())
    options.onRecords(records)
  }
  consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment, memberId } }) =>
    options.onAssigned(
      Object.entries(memberAssignment).flatMap(([topic, partitions]) =>
        partitions.map(partition => ({ topic, partition })),
      ),
      memberId,
    ),
  )
  consumer.on(consumer.events.CRASH, ({ payload: { error } }) => scheduleRetry(error))

  return {
    consumer,
    add(added: string[]): void {
      const before = topics.size
      for (const topic of added) topics.add(topic)
      if (topics.size > before) restart()
    },
    async close(): Promise<void> {
      closed = true
      clearTimeout(retryTimer)
      await running
      await consumer.disconnect().catch(options.onError)
    },
  }
}

export const toTopicPartitions = (partitions: TopicPartition[]) =>
  partitions.map(({ topic, partition }) => ({ topic, partitions: [partition] }))

/** kafkajs refuses this call while the consumer is not running. */
export function ifRunning(consumer: Consumer, work: (consumer: Consumer) => void): void {
  try {
    work(consumer)
  } catch {
    // The consumer joins again, and `onAssigned` then makes up for the call.
  }
}

/**
 * Assigns partitions by the eager protocol, the only one that kafkajs knows. The assigner does not know the earlier
 * owners, so the same members always get the same assignment.
 */
const laresAssigner: PartitionAssigner = ({ cluster }) => ({
  name: 'LaresSharing',
  version: 0,
  async assign({ members, topics }) {
    const counts = new Map(
      topics.map(topic => [topic, cluster.findTopicPartitionMetadata(topic).length] as const),
    )
    const known = members.map(({ memberId, memberMetadata }) => ({
      id: memberId,
      topics: AssignerProtocol.MemberMetadata.decode(memberMetadata)?.topics ?? [],
      owned: [],
    }))
    return [...assignPartitions(known, counts)].map(([memberId, partitions]) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: 0,
        assignment: Object.fromEntries(
          [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, list]) => [
            topic,
            list.map(({ partition }) => partition),
          ]),
        ),
        userData: Buffer.alloc(0),
      }),
    }))
  },
  protocol({ topics }) {
    return {
      name: this.name,
      metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
    }
  },
})
