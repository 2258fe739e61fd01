import { Admin, Consumer, Producer } from '@platformatic/kafka'
import type { Position } from '../bus.ts'
import {
  CLIENT_ID,
  type ConsumerCallbacks,
  type KafkaClient,
  type KafkaSettings,
  type OffsetSpec,
  type PartitionedMessage,
  type StandaloneConsumer,
} from './client.ts'
import { kafkaErrorName, platformaticError } from './platformatic-errors.ts'
import { openFetcher } from './platformatic-fetcher.ts'
import { joinGroup } from './platformatic-group.ts'

const ACKS_ALL = -1
const EARLIEST = -2n
const LATEST = -1n

/** Opens a Kafka client on @platformatic/kafka. */
export function openPlatformaticClient(settings: KafkaSettings): KafkaClient {
  const base = {
    clientId: CLIENT_ID,
    bootstrapBrokers: settings.brokers,
    connectTimeout: settings.connectTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    timeout: settings.requestTimeoutMs,
    retries: 0,
  }
  const admin = new Admin(base)
  const producer = new Producer({ ...base, acks: ACKS_ALL, repeatOnStaleMetadata: false })
  /** This consumer never joins a group; it lists offsets. */
  const offsetReader = new Consumer({ ...base, groupId: CLIENT_ID })

  const withKafkaErrors = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      // Outdated metadata of the cluster may be the cause of the failure.
      for (const client of [admin, producer, offsetReader]) client.clearMetadata()
      throw platformaticError(doing, error)
    }
  }
  const partitionCountOf = async (topic: string): Promise<number | undefined> => {
    try {
      const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
      return topics.get(topic)?.partitionsCount
    } catch (error) {
      if (kafkaErrorName(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined
      throw error
    }
  }
  const offsets = async (topic: string, at: OffsetSpec): Promise<number[]> => {
    if (typeof at === 'string') {
      const listed = await offsetReader.listOffsets({
        topics: [topic],
        timestamp: at === 'earliest' ? EARLIEST : LATEST,
      })
      return listed.get(topic)!.map(Number)
    }
    const [found, ends] = await Promise.all([
      offsetReader.listOffsets({ topics: [topic], timestamp: BigInt(Math.max(0, Math.ceil(at.timeMs))) }),
      offsets(topic, 'latest'),
    ])
    return found.get(topic)!.map((offset, partition) => (offset < 0n ? ends[partition]! : Number(offset)))
  }

  return {
    partitionCounts: topics =>
      withKafkaErrors('topics cannot be read', async () => {
        const counts = await Promise.all(
          topics.map(async topic => [topic, await partitionCountOf(topic)] as const),
        )
        return new Map(counts.filter((pair): pair is [string, number] => pair[1] !== undefined))
      }),
    createTopics: (topics, partitions) =>
      withKafkaErrors('topics cannot be created', async () => {
        // One request creates all topics of the same settings. Waiting for the topics reveals any other error.
        for (const [retentionMs, alike] of Map.groupBy(topics, topic => topic.retentionMs))
          await admin
            .createTopics({
              topics: alike.map(({ name }) => name),
              partitions,
              configs: [
                { name: 'message.timestamp.type', value: 'LogAppendTime' },
                ...(retentionMs === undefined ? [] : [{ name: 'retention.ms', value: String(retentionMs) }]),
              ],
            })
            .catch(error => {
              if (kafkaErrorName(error) !== 'TOPIC_ALREADY_EXISTS') throw error
            })
      }),
    produce: messages =>
      withKafkaErrors('records cannot be written', async () => {
        await producer.send({ messages: messages.map(toMessage) })
      }),
    listOffsets: (topic, at) => withKafkaErrors('offsets cannot be read', () => offsets(topic, at)),
    committedOffsets: (group, topic, partitions) =>
      withKafkaErrors('positions cannot be read', async () => {
        const partitionIndexes = Array.from({ length: partitions }, (_, partition) => partition)
        const [found] = await admin.listConsumerGroupOffsets({
          groups: [{ groupId: group, topics: [{ name: topic, partitionIndexes }] }],
        })
        const listed = found?.topics.find(({ name }) => name === topic)?.partitions ?? []
        const known = new Map(
          listed.map(({ partitionIndex, committedOffset }) => [partitionIndex, Number(committedOffset)]),
        )
        return partitionIndexes.map(partition => {
          const offset = known.get(partition) ?? -1
          return offset < 0 ? null : offset
        })
      }),
    alterGroupOffsets: (group, positions) =>
      withKafkaErrors(`the group "${group}" cannot be moved`, () =>
        admin.alterConsumerGroupOffsets({ groupId: group, topics: toTopicOffsets(positions) }),
      ),
    hasMembers: group =>
      withKafkaErrors(`the group "${group}" cannot be read`, async () => {
        const described = await admin.describeGroups({ groups: [group] }).catch(error => {
          if (kafkaErrorName(error) === 'GROUP_ID_NOT_FOUND') return undefined
          throw error
        })
        return (described?.get(group)?.members.size ?? 0) > 0
      }),
    joinGroup: options => joinGroup(settings, options),
    openStandaloneConsumer: options => openStandaloneConsumer(settings, options),
    check: topics =>
      withKafkaErrors('it cannot be reached', async () => {
        const metadata = await admin.metadata({ topics, forceUpdate: true })
        for (const [topic, { partitions }] of metadata.topics)
          if (partitions.some(({ leader }) => leader < 0))
            throw new Error(`the topic "${topic}" has a partition without a leader`)
      }),
    async close() {
      await Promise.all([admin.close(), producer.close(), offsetReader.close()])
    },
  }
}

function openStandaloneConsumer(settings: KafkaSettings, options: ConsumerCallbacks): StandaloneConsumer {
  const consumer = new Consumer({
    clientId: CLIENT_ID,
    bootstrapBrokers: settings.brokers,
    groupId: CLIENT_ID,
    connectTimeout: settings.connectTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    retries: 0,
  })
  const fetching = openFetcher(consumer, settings, options)
  return {
    assign(positions) {
      for (const { topic } of positions) consumer.topics.track(topic)
      fetching.add(positions)
    },
    async close() {
      await fetching.close()
      await consumer.close()
    },
  }
}

const toMessage = ({ topic, partition, key, headers, value }: PartitionedMessage) => ({
  topic,
  partition,
  key: Buffer.from(key),
  headers: new Map(
    Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)] as const),
  ),
  value,
})

const toTopicOffsets = (positions: Position[]) =>
  [...Map.groupBy(positions, ({ topic }) => topic)].map(([name, list]) => ({
    name,
    partitionOffsets: list.map(({ partition, offset }) => ({ partition, offset: BigInt(offset) })),
  }))
