import { setTimeout as wait } from 'node:timers/promises'
import { LaresError, toLaresError } from '../../base/errors.ts'
import type { TopicSettings } from '../bus.ts'
import type { KafkaClient } from './client.ts'

const TOPIC_POLL_INTERVAL_MS = 500
const READY_TIMEOUT_MS = 5_000
const READY_POLL_INTERVAL_MS = 20

/** Knows which topics exist and how many partitions they have. A topic that was found once stays known. */
export function openTopicRegistry(client: KafkaClient, expectedPartitions: number) {
  const counts = new Map<string, number>()
  let lastCreation: Promise<void> = Promise.resolve()

  const partitions = async (topics: Iterable<string>): Promise<ReadonlyMap<string, number>> => {
    const unknown = [...topics].filter(topic => !counts.has(topic))
    if (unknown.length > 0)
      for (const [topic, count] of await client.partitionCounts(unknown)) rememberCount(topic, count)
    return counts
  }
  const rememberCount = (topic: string, count: number): void => {
    if (count !== expectedPartitions)
      throw new LaresError(
        'invalid_config',
        `the topic "${topic}" has ${count} partitions, not ${expectedPartitions}: a conversation would not be on one partition everywhere; create it anew with ${expectedPartitions}`,
      )
    counts.set(topic, count)
  }
  const createMissing = async (topics: TopicSettings[]): Promise<void> => {
    const names = topics.map(({ name }) => name)
    const known = await partitions(names)
    const first = new Map(topics.toReversed().map(topic => [topic.name, topic]))
    const missing = [...first.values()].filter(({ name }) => !known.has(name))
    if (missing.length === 0) return
    await client.createTopics(missing, expectedPartitions)
    await Promise.all(missing.map(({ name }) => waitUntilReady(name)))
  }
  /** A broker takes over the partitions of a new topic a moment after its creation. */
  const waitUntilReady = async (topic: string): Promise<void> => {
    const deadline = performance.now() + READY_TIMEOUT_MS
    for (;;)
      try {
        await client.listOffsets(topic, 'latest')
        await partitions([topic])
        return
      } catch (error) {
        const { retryable, code } = toLaresError(error)
        if (!(retryable || code === 'not_found') || performance.now() > deadline) throw error
        await wait(READY_POLL_INTERVAL_MS)
      }
  }

  return {
    partitions,
    known: () => [...counts.keys()],
    /** Clears the known topics, after the brokers have reported that one is gone. */
    forget: () => counts.clear(),
    /** Creates missing topics, one call at a time: two calls that find the same topic missing would both create it. */
    ensure(topics: TopicSettings[]): Promise<void> {
      const creation = lastCreation.then(() => createMissing(topics))
      lastCreation = creation.catch(() => undefined)
      return creation
    },
    /** Calls `onFound` for each topic once it exists. Polls for missing topics, also while no broker answers. */
    watch(topics: string[], onFound: (topics: string[]) => Promise<void>, onError: (error: unknown) => void) {
      let missing = topics
      let timer: NodeJS.Timeout | undefined
      let closed = false
      const reached = Promise.withResolvers<void>()
      const pollMissing = async (): Promise<void> => {
        try {
          const known = await partitions(missing)
          const found = missing.filter(topic => known.has(topic))
          if (found.length > 0 && !closed) await onFound(found)
          missing = missing.filter(topic => !found.includes(topic))
          reached.resolve()
        } catch (error) {
          if (!closed) onError(error)
        }
        if (missing.length > 0 && !closed) timer = setTimeout(pollMissing, TOPIC_POLL_INTERVAL_MS)
      }
      return {
        /** Resolves after the first poll, whether or not it succeeded. */
        looked: pollMissing(),
        /** Resolves after the first poll that got an answer. */
        reached: reached.promise,
        close(): void {
          closed = true
          clearTimeout(timer)
        },
      }
    },
  }
}

export type TopicRegistry = ReturnType<typeof openTopicRegistry>
