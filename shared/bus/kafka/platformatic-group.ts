import { setTimeout as wait } from 'node:timers/promises'
import { Consumer, type GroupPartitionsAssigner } from '@platformatic/kafka'
import type { Position, TopicPartition } from '../bus.ts'
import { CLIENT_ID, idOf, type JoinOptions, type KafkaSettings, type Member, RETRY_MS } from './client.ts'
import { share } from './partition-assignment.ts'
import { failureNameOf, platformaticError } from './platformatic-errors.ts'
import { openFetching } from './platformatic-fetcher.ts'

/** The broker knows another generation of the group than this member: what counts is what comes of joining again. */
const REJOINING = new Set(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS'])

/**
 * A member of a group by the cooperative protocol (KIP-429): a rebalance stops only the partitions that move.
 * The library keeps the membership; reading is ours.
 */
export function joinGroup(settings: KafkaSettings, options: JoinOptions): Member {
  const consumer = new Consumer({
    clientId: CLIENT_ID,
    bootstrapBrokers: settings.brokers,
    groupId: options.group,
    autocommit: false,
    sessionTimeout: settings.sessionTimeoutMs,
    heartbeatInterval: settings.heartbeatEveryMs,
    rebalanceTimeout: settings.rebalanceTimeoutMs,
    connectTimeout: settings.connectTimeoutMs,
    requestTimeout: settings.requestTimeoutMs + settings.rebalanceTimeoutMs,
    protocols: [{ name: 'cooperative-sticky', version: 3 }],
    partitionAssigner: assignSharing,
    // Trying again is done here. The library's commit would join anew and then commit what is another member's by then.
    retries: 0,
  })
  const fetching = openFetching(consumer, settings, options)
  let generation: { memberId: string | null; number: number } = { memberId: null, number: 0 }
  let joining = false
  let again = false
  let closed = false

  const assigned = (): TopicPartition[] =>
    (consumer.assignments ?? []).flatMap(({ topic, partitions }) =>
      partitions.map(partition => ({ topic, partition })),
    )
  const revoke = (lost: TopicPartition[]): void => {
    if (lost.length === 0) return
    fetching.remove(lost)
    options.onRevoked(lost)
  }
  /** A member that has missed a generation cannot know who had its partitions meanwhile. */
  const loseWhatWasMissed = (): void => {
    const { memberId, generationId } = consumer
    if (generation.memberId !== memberId || generationId > generation.number + 1) revoke(fetching.held())
    generation = { memberId, number: generationId }
  }
  const onRebalance = (): void => {
    const kept = new Set(assigned().map(idOf))
    revoke(fetching.held().filter(partition => !kept.has(idOf(partition))))
    if (consumer.memberId === generation.memberId) loseWhatWasMissed()
  }
  const onJoined = async (): Promise<void> => {
    loseWhatWasMissed()
    onRebalance()
    const { number } = generation
    for (;;) {
      const added = assigned().filter(partition => !fetching.holds(partition))
      if (closed || generation.number !== number) return
      if (added.length === 0) return options.onJoined()
      try {
        const positions = await startsOf(added)
        if (closed || generation.number !== number) return
        fetching.add(positions.filter(position => !fetching.holds(position)))
        return options.onJoined()
      } catch (error) {
        fail('positions cannot be read', error)
        await wait(RETRY_MS)
      }
    }
  }
  const startsOf = async (partitions: TopicPartition[]): Promise<Position[]> => {
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
  const fail = (doing: string, error: unknown): void => {
    if (!closed) options.onError(platformaticError(doing, error))
  }
  const join = async (): Promise<void> => {
    again = true
    if (joining) return
    joining = true
    while (again && !closed) {
      again = false
      try {
        await consumer.joinGroup({})
      } catch (error) {
        again = true
        consumer.clearMetadata()
        if (!REJOINING.has(failureNameOf(error) ?? '')) fail(`"${options.group}" cannot be joined`, error)
        await wait(RETRY_MS)
      }
    }
    joining = false
  }
  consumer.on('consumer:group:join', () => void onJoined())
  consumer.on('consumer:group:rebalance', onRebalance)
  // The library has given up joining after a heartbeat failed, and says no more of itself.
  consumer.on('error', error => {
    fail('the group was lost', error)
    void join()
  })

  const commit = async (positions: Position[]): Promise<void> => {
    const until = performance.now() + settings.rebalanceTimeoutMs
    for (;;) {
      const held = positions.filter(position => fetching.holds(position))
      if (held.length === 0) return
      try {
        return await consumer.commit({
          offsets: held.map(({ topic, partition, offset }) => ({
            topic,
            partition,
            offset: BigInt(offset),
            leaderEpoch: -1,
          })),
        })
      } catch (error) {
        if (!REJOINING.has(failureNameOf(error) ?? '') || performance.now() > until || closed)
          throw platformaticError('positions cannot be committed', error)
        await wait(RETRY_MS / 5)
      }
    }
  }

  return {
    add(topics) {
      if (topics.map(topic => consumer.topics.track(topic)).includes(true)) void join()
    },
    commit,
    pause: fetching.pause,
    resume: fetching.resume,
    async close() {
      if (closed) return
      closed = true
      await fetching.close()
      await consumer.close().catch(error => fail('the group could not be left in order', error))
    },
  }
}

/** Ours, in the library's terms. A partition that another member still holds is given in the next round, when it has let go. */
const assignSharing: GroupPartitionsAssigner = (_current, members, _topics, metadata) => {
  const generation = Math.max(...[...members.values()].map(({ generationId = -1 }) => generationId))
  const known = [...members].map(([id, { topics = [], generationId = -1, ownedPartitions = [] }]) => ({
    id,
    topics,
    // What a member of an older generation says it owns was given to others meanwhile.
    owned:
      generationId < generation
        ? []
        : ownedPartitions.flatMap(({ topic, partitions }) =>
            partitions.map(partition => ({ topic, partition })),
          ),
  }))
  const owners = new Map(known.flatMap(({ id, owned }) => owned.map(partition => [idOf(partition), id])))
  const counts = new Map([...metadata.topics].map(([name, { partitionsCount }]) => [name, partitionsCount]))
  return [...share(known, counts)].map(([memberId, partitions]) => {
    const free = partitions.filter(partition => (owners.get(idOf(partition)) ?? memberId) === memberId)
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
