import {
  Consumer,
  type MessagesStream,
  MessagesStreamFallbackModes,
  MessagesStreamModes,
  Producer,
} from '@platformatic/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { COMMIT_INTERVAL_MS } from '../../../infra/connector/consumer/worker.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { DEFAULT_KAFKA_SETTINGS } from '../../../shared/bus/kafka/client.ts'
import { newId } from '../../../shared/contract/events/ids.ts'
import { type Chain, HOPS, openPendingTurns, PAYLOAD_TEXT } from './chain.ts'

const ACKS_ALL = -1
const { sessionTimeoutMs, heartbeatIntervalMs, rebalanceTimeoutMs, fetchMaxWaitMs } = DEFAULT_KAFKA_SETTINGS

type StartBareChain = (
  brokers: string[],
  topics: string[],
  turns: ReturnType<typeof openPendingTurns>,
) => Promise<Chain>

/**
 * The same number of hops by the library alone: the producer sends on each message that the consumer reads, as the
 * library's documentation says, with the driver's settings. One consumer for each topic, as there is one for each
 * function.
 */
export async function startBareChain(
  bus: Bus,
  brokers: string[],
  client: 'platformatic' | 'kafkajs',
): Promise<Chain> {
  const topics = Array.from({ length: HOPS }, (_, at) => `bare.${client}.${at + 1}`)
  await bus.ensureTopics(topics.map(name => ({ name })))
  return await { platformatic: startPlatformaticChain, kafkajs: startKafkajsChain }[client](
    brokers,
    topics,
    openPendingTurns(),
  )
}

const startPlatformaticChain: StartBareChain = async (brokers, topics, turns) => {
  const base = { clientId: 'bare', bootstrapBrokers: brokers }
  const producer = new Producer({ ...base, acks: ACKS_ALL })
  const consumers: { consumer: Consumer; stream: MessagesStream<Buffer, Buffer, Buffer, Buffer> }[] = []
  for (const [at, topic] of topics.entries()) {
    const consumer = new Consumer({
      ...base,
      groupId: `bare-${topic}`,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: heartbeatIntervalMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      maxWaitTime: fetchMaxWaitMs,
    })
    const stream = await consumer.consume({
      topics: [topic],
      autocommit: COMMIT_INTERVAL_MS,
      mode: MessagesStreamModes.COMMITTED,
      fallbackMode: MessagesStreamFallbackModes.EARLIEST,
    })
    const next = topics[at + 1]
    stream.on('data', ({ key, value, headers }) => {
      if (next === undefined) turns.end(String(key))
      else void producer.send({ messages: [{ topic: next, key, value, headers }] })
    })
    consumers.push({ consumer, stream })
  }
  return {
    async turn() {
      const id = newId()
      const ended = turns.begin(id)
      await producer.send({
        messages: [
          {
            topic: topics[0]!,
            key: Buffer.from(id),
            value: Buffer.from(JSON.stringify({ text: PAYLOAD_TEXT })),
            headers: new Map([[Buffer.from('content-type'), Buffer.from('application/json')]]),
          },
        ],
      })
      await ended
    },
    async close() {
      for (const { consumer, stream } of consumers) {
        await stream.close()
        await consumer.close()
      }
      await producer.close()
    },
  }
}

const startKafkajsChain: StartBareChain = async (brokers, topics, turns) => {
  const kafka = new Kafka({ clientId: 'bare', brokers, logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  const consumers = await Promise.all(
    topics.map(async (topic, at) => {
      const consumer = kafka.consumer({
        groupId: `bare-${topic}`,
        sessionTimeout: sessionTimeoutMs,
        heartbeatInterval: heartbeatIntervalMs,
        rebalanceTimeout: rebalanceTimeoutMs,
        maxWaitTimeInMs: fetchMaxWaitMs,
      })
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      const joined = new Promise(resolve => consumer.on(consumer.events.GROUP_JOIN, resolve))
      const next = topics[at + 1]
      await consumer.run({
        autoCommitInterval: COMMIT_INTERVAL_MS,
        partitionsConsumedConcurrently: 64,
        async eachMessage({ message: { key, value, headers } }) {
          if (next === undefined) turns.end(String(key))
          else
            void producer.send({
              topic: next,
              acks: ACKS_ALL,
              messages: [{ key, value, ...(headers && { headers }) }],
            })
        },
      })
      await joined
      return consumer
    }),
  )
  return {
    async turn() {
      const id = newId()
      const ended = turns.begin(id)
      await producer.send({
        topic: topics[0]!,
        acks: ACKS_ALL,
        messages: [
          {
            key: id,
            value: JSON.stringify({ text: PAYLOAD_TEXT }),
            headers: { 'content-type': 'application/json' },
          },
        ],
      })
      await ended
    },
    async close() {
      for (const consumer of consumers) await consumer.disconnect()
      await producer.disconnect()
    },
  }
}
