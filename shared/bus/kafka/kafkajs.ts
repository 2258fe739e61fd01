import { Kafka, logLevel } from 'kafkajs'
import type { Position } from '../bus.ts'
import { CLIENT_ID, type KafkaClient, type KafkaSettings, type PartitionedMessage } from './client.ts'
import { kafkaErrorName, kafkajsError } from './kafkajs-errors.ts'
import { joinGroup, openStandaloneConsumer } from './kafkajs-reader.ts'

const ACKS_ALL = -1

/** Opens a Kafka client on kafkajs. */
export function openKafkajsClient(settings: KafkaSettings): KafkaClient {
  const kafka = new Kafka({
    clientId: CLIENT_ID,
    brokers: settings.brokers,
    connectionTimeout: settings.connectTimeoutMs,
    requestTimeout: settings.requestTimeoutMs + settings.rebalanceTimeoutMs,
    // Thrown errors report every failure.
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  })
  const admin = kafka.admin({ retry: { retries: 0 } })
  const producer = kafka.producer({ allowAutoTopicCreation: false, retry: { retries: 0 } })

  const withKafkaErrors = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw kafkajsError(doing, error)
    }
  }
  const withAdmin = <T>(doing: string, work: () => Promise<T>): Promise<T> =>
    withKafkaErrors(doing, async () => {
      await admin.connect()
      return await work()
    })
  const fetchPartitions = async (topic: string) => {
    try {
      return (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions
    } catch (error) {
      if (kafkaErrorName(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined
      throw error
    }
  }

  return {
    partitionCounts: topics =>
      withAdmin('topics cannot be read', async () => {
        const counts = new Map<string, number>()
        for (const topic of topics) {
          const partitions = await fetchPartitions(topic)
          if (partitions !== undefined) counts.set(topic, partitions.length)
        }
        return counts
      }),
    createTopics: (topics, partitions) =>
      withAdmin('topics cannot be created', async () => {
        await admin.createTopics({
          topics: topics.map(({ name, retentionMs }) => ({
            topic: name,
            numPartitions: partitions,
            replicationFactor: -1,
            configEntries: [
              { name: 'message.timestamp.type', value: 'LogAppendTime' },
              ...(retentionMs === undefined ? [] : [{ name: 'retention.ms', value: String(retentionMs) }]),
            ],
          })),
        })
      }),
    produce: messages =>
      withKafkaErrors('records cannot be written', async () => {
        await producer.connect()
        await producer.sendBatch({
          acks: ACKS_ALL,
          timeout: settings.requestTimeoutMs,
          topicMessages: [...Map.groupBy(messages, ({ topic }) => topic)].map(([topic, list]) => ({
            topic,
            messages: list.map(toMessage),
          })),
        })
      }),
    listOffsets: (topic, at) =>
      withAdmin('offsets cannot be read', async () => {
        const listed =
          typeof at === 'string'
            ? (await admin.fetchTopicOffsets(topic)).map(({ partition, low, high }) => ({
                partition,
                offset: at === 'earliest' ? low : high,
              }))
            : await admin.fetchTopicOffsetsByTimestamp(topic, Math.max(0, Math.ceil(at.timeMs)))
        return listed.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset))
      }),
    committedOffsets: (group, topic, partitions) =>
      withAdmin('positions cannot be read', async () => {
        const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
        const known = new Map(
          found?.partitions.map(({ partition, offset }) => [partition, Number(offset)]) ?? [],
        )
        return Array.from({ length: partitions }, (_, partition) => {
          const offset = known.get(partition) ?? -1
          return offset < 0 ? null : offset
        })
      }),
    alterGroupOffsets: (group, positions) =>
      withAdmin(`the group "${group}" cannot be moved`, async () => {
        for (const [topic, list] of Map.groupBy(positions, position => position.topic))
          await admin.setOffsets({ groupId: group, topic, partitions: list.map(toOffset) })
      }),
    hasMembers: group =>
      withAdmin(`the group "${group}" cannot be read`, async () => {
        const { groups } = await admin.describeGroups([group]).catch(error => {
          if (kafkaErrorName(error) === 'GROUP_ID_NOT_FOUND') return { groups: [] }
          throw error
        })
        return groups.some(({ members }) => members.length > 0)
      }),
    joinGroup: options => joinGroup(kafka, settings, options),
    openStandaloneConsumer: options => openStandaloneConsumer(kafka, settings, options),
    check: topics =>
      withAdmin('it cannot be reached', async () => {
        await admin.describeCluster()
        for (const topic of topics)
          if ((await fetchPartitions(topic))?.some(({ leader }) => leader < 0))
            throw new Error(`the topic "${topic}" has a partition without a leader`)
      }),
    async close() {
      await Promise.all([admin.disconnect(), producer.disconnect()])
    },
  }
}

const toMessage = ({ partition, key, headers, value }: PartitionedMessage) => ({
  partition,
  key: Buffer.from(key),
  headers,
  value,
})

const toOffset = ({ partition, offset }: Position) => ({ partition, offset: String(offset) })
