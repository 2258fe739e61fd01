import { setTimeout as wait } from 'node:timers/promises'
import { Consumer, type GroupPartitionsAssigner } from '@platformatic/kafka'
import type { Position, TopicPartition } from '../bus.ts'
import {
  CLIENT_ID,
  type GroupMember,
  type JoinGroupOptions,
  type KafkaSettings,
  RETRY_DELAY_MS,
  topicPartitionId,
} from './client.ts'
import { assignPartitions } from './partition-assignment.ts'
import { kafkaErrorName, platformaticError } from './platformatic-errors.ts'
import { openFetcher } from './platformatic-fetcher.ts'

/** With these errors, the broker knows another generation of the group than this member. The member must join again. */
const REJOIN_ERRORS = new Set(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS'])

/**
 * Joins a group by the cooperative protocol (KIP-429): a rebalance stops only the partitions that move. The library
 * keeps the membership; Lares reads the records.
 */
export function joinGroup(settings: KafkaSettings, options: JoinGroupOptions): GroupMember {
  const consumer = new Consumer({
    clientId: CLIENT_ID,
    bootstrapBrokers: settings.brokers,
    groupId: options.group,
    autocommit: false,
    sessionTimeout: settings.sessionTimeoutMs,
    heartbeatInterval: settings.heartbeatIntervalMs,
    rebalanceTimeout: settings.rebalanceTimeoutMs,
    connectTimeout: settings.connectTimeoutMs,
    requestTimeout: settings.requestTimeoutMs + settings.rebalanceTimeoutMs,
    protocols: [{ name: 'cooperative-sticky', version: 3 }],
    partitionAssigner: laresAssigner,
    // This file retries by itself. The library's retry would join again and then commit positions that belong to
    // another member by then.
    retries: 0,
  })
  const fetcher = openFetcher(consumer, settings, options)
  let generation: { memberId: string | null; number: number } = { memberId: null, number: 0 }
  let joining = false
  let rejoinRequested = false
  let closed = false

  const assigned = (): TopicPartition[] =>
    (consumer.assignments ?? []).flatMap(({ topic, partitions }) =>
      partitions.map(partition => ({ topic, partition })),
    )
  const revoke = (lost: TopicPartition[]): void => {
    if (lost.length === 0) return
    fetcher.remove(lost)
    options.onRevoked(lost)
  }
  /** Revokes all partitions of a member that has missed a generation: it cannot know who owned them meanwhile. */
  const revokeAfterMissedGeneration = (): void => {
    const { memberId, generationId } = consumer
    if (generation.memberId !== memberId || generationId > generation.number + 1) revoke(fetcher.held())
    generation = { memberId, number: generationId }
  }
  const onRebalance = (): void => {
    const kept = new Set(assigned().map(topicPartitionId))
    revoke(fetcher.held().filter(partition => !kept.has(topicPartitionId(partition))))
    if (consumer.memberId === generation.memberId) revokeAfterMissedGeneration()
  }
  const onJoined = async (): Promise<void> => {
    revokeAfterMissedGeneration()
    onRebalance()
    const { number } = generation
    for (;;) {
      const added = assigned().filter(partition => !fetcher.holds(partition))
      if (closed || generation.number !== number) return
      if (added.length === 0) return options.onJoined()
      try {
        const positions = await startPositions(added)
        if (closed || generation.number !== number) return
        fetcher.add(positions.filter(position => !fetcher.holds(position)))
        return options.onJoined()
      } catch (error) {
        reportError('positions cannot be read', error)
        await wait(RETRY_DELAY_MS)
      }
    }
  }
  const startPositions = async (partitions: TopicPartition[]): Promise<Position[]> => {
    const topics = [...Map.groupBy(partitions, ({ topic }) => topic)]
    const wanted = topics.map(([topic, list]) => ({
      topic,
      partitions: list.map(({ partition }) => partition),
    }))
    const [committed, first] = await Promise.all([
      consumer.listCommittedOffsets({ topics: wanted }),
      consumer.listOffsets({ topics: topics.map(([topic]) => topic), timestamp: -2n }),
    ])
    return partitions.map(({ topic, partition }) => {
      const at = committed.get(topic)?.[partition] ?? -1n
      return { topic, partition, offset: Number(at >= 0n ? at : first.get(topic)![partition]!) }
    })
  }
  const reportError = (doing: string, error: unknown): void => {
    if (!closed) options.onError(platformaticError(doing, error))
  }
  const join = async (): Promise<void> => {
    rejoinRequested = true
    if (joining) return
    joining = true
    while (rejoinRequested && !closed) {
      rejoinRequested = false
      try {
        await consumer.joinGroup({})
      } catch (error) {
        rejoinRequested = true
        consumer.clearMetadata()
        if (!REJOIN_ERRORS.has(kafkaErrorName(error) ?? ''))
          reportError(`"${options.group}" cannot be joined`, error)
        await wait(RETRY_DELAY_MS)
      }
    }
    joining = false
  }
  consumer.on('consumer:group:join', () => void onJoined())
  consumer.on('consumer:group:rebalance', onRebalance)
  // The library stops joining after a failed heartbeat, and reports nothing further.
  consumer.on('error', error => {
    reportError('the group was lost', error)
    void join()
  })

  const commit = async (positions: Position[]): Promise<void> => {
    const deadline = performance.now() + settings.rebalanceTimeoutMs
    for (;;) {
      const stillAssigned = positions.filter(position => fetcher.holds(position))
      if (stillAssigned.length === 0) return
      try {
        return await consumer.commit({
          offsets: stillAssigned.map(({ topic, partition, offset }) => ({
            topic,
            partition,
            offset: BigInt(offset),
            leaderEpoch: -1,
          })),
        })
      } catch (error) {
        if (!REJOIN_ERRORS.has(kafkaErrorName(error) ?? '') || performance.now() > deadline || closed)
          throw platformaticError('positions cannot be committed', error)
        await wait(RETRY_DELAY_MS / 5)
      }
    }
  }

  return {
    addTopics(topics) {
      if (topics.map(topic => consumer.topics.track(topic)).includes(true)) void join()
    },
    commit,
    pause: fetcher.pause,
    resume: fetcher.resume,
    async close() {
      if (closed) return
      closed = true
      await fetcher.close()
      await consumer.close().catch(error => reportError('the group could not be left in order', error))
    },
  }
}

/**
 * Adapts Lares's assignment to the library. A partition that another member still owns is assigned in the next round,
 * after its revocation.
 */
const laresAssigner: GroupPartitionsAssigner = (_current, members, _topics, metadata) => {
  const generation = Math.max(...[...members.values()].map(({ generationId = -1 }) => generationId))
  const known = [...members].map(([id, { topics = [], generationId = -1, ownedPartitions = [] }]) => ({
    id,
    topics,
    // The partitions that a member of an older generation claims to own went to others meanwhile.
    owned:
      generationId < generation
        ? []
        : ownedPartitions.flatMap(({ topic, partitions }) =>
            partitions.map(partition => ({ topic, partition })),
          ),
  }))
  const owners = new Map(
    known.flatMap(({ id, owned }) => owned.map(partition => [topicPartitionId(partition), id])),
  )
  const counts = new Map([...metadata.topics].map(([name, { partitionsCount }]) => [name, partitionsCount]))
  return [...assignPartitions(known, counts)].map(([memberId, partitions]) => {
    const free = partitions.filter(
      partition => (owners.get(topicPartitionId(partition)) ?? memberId) === memberId,
    )
    const byTopic = Map.groupBy(free, ({ topic }) => topic)
    return {
      memberId,
      assignments: new Map(
        [...byTopic].map(([topic, list]) => [
          topic,
          { topic, partitions: list.map(({ partition }) => partition) },
        ]),
      ),
    }
  })
}
