import { LaresError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { silentLogger } from '../../base/log.ts'
import { loadOptional } from '../../base/optional-package.ts'
import {
  type Bus,
  DEFAULT_PARTITIONS,
  type PartitionLag,
  type Position,
  type ResetTarget,
  type SubscribeOptions,
  type TailOptions,
} from '../bus.ts'
import { DEFAULT_KAFKA_SETTINGS, type KafkaClient, type KafkaSettings } from './client.ts'
import { openPublisher, unknownTopicError } from './publisher.ts'
import { readRecords } from './topic-reader.ts'
import { openTopicRegistry } from './topics.ts'

export type KafkaBusOptions = {
  brokers: string[]
  /** The library that speaks to Kafka; docs/decisions.md gives the reason for the default. */
  client?: 'platformatic' | 'kafkajs' | undefined
  partitions?: number
  log?: Logger
  settings?: Partial<Omit<KafkaSettings, 'brokers'>>
}

/**
 * Opens the log on Kafka. It opens even while no broker is reachable: each call then reports that, and subscriptions
 * retry by themselves. Errors: those of the port, and `invalid_config` when a topic has another number of partitions.
 */
export async function openKafkaBus(options: KafkaBusOptions): Promise<Bus> {
  const { brokers, log = silentLogger, partitions = DEFAULT_PARTITIONS } = options
  const client = await openClient(options.client ?? 'platformatic', {
    ...DEFAULT_KAFKA_SETTINGS,
    ...options.settings,
    brokers,
  })
  const topics = openTopicRegistry(client, partitions)
  const publisher = openPublisher(client, topics)
  const openResources = new Set<() => Promise<void>>()
  let closed = false

  const requireOpen = (): void => {
    if (closed) throw closedError(brokers)
  }
  const requireTopic = async (topic: string): Promise<number> => {
    const count = (await topics.partitions([topic])).get(topic)
    if (count === undefined) throw unknownTopicError(topic)
    return count
  }
  /** Makes a close run only once; closing the bus runs it too. */
  const registerClose = (close: () => Promise<void>): (() => Promise<void>) => {
    let done: Promise<void> | undefined
    const closeOnce = () => {
      openResources.delete(closeOnce)
      done ??= close()
      return done
    }
    openResources.add(closeOnce)
    return closeOnce
  }
  const errorReporter =
    (report: ((error: unknown) => void) | undefined) =>
    (error: unknown): void => {
      if (closed) return
      if (report) report(error)
      else log.warn({ err: error }, 'the log is away; trying again')
    }

  async function subscribe(options: SubscribeOptions) {
    const { group, onRecords, onRevoked = () => undefined } = options
    const report = errorReporter(options.onError)
    const settled = Promise.withResolvers<void>()
    const onError = (error: unknown) => {
      settled.resolve()
      report(error)
    }
    const member = client.joinGroup({ group, onRecords, onRevoked, onError, onJoined: settled.resolve })
    let isJoining = false
    const add = async (found: string[]) => {
      isJoining = true
      member.addTopics(found)
    }
    const watch = topics.watch(options.topics, add, onError)
    const close = registerClose(async () => {
      settled.resolve()
      watch.close()
      await member.close()
    })
    await watch.looked
    if (isJoining) await settled.promise
    return { commit: member.commit, pause: member.pause, resume: member.resume, close }
  }

  async function tail(options: TailOptions) {
    const onError = errorReporter(options.onError)
    const consumer = client.openStandaloneConsumer({ onRecords: options.onRecords, onError })
    const started = Promise.withResolvers<void>()
    let isStarted = false
    const watch = topics.watch(
      options.topics,
      async found => {
        // The tail reads a topic that was created after its start from the first record.
        const positions = await resolvePositions(found, isStarted ? 'earliest' : 'latest')
        consumer.assign(positions)
      },
      onError,
    )
    const close = registerClose(async () => {
      watch.close()
      started.reject(closedError(brokers))
      await consumer.close()
    })
    await Promise.race([watch.reached, started.promise])
    isStarted = true
    return { close }
  }

  async function resolvePositions(names: string[], at: ResetTarget): Promise<Position[]> {
    const lists = await Promise.all(names.map(async topic => resolveOffsets(client, topic, at)))
    return lists.flat()
  }

  async function lagOf(group: string, topic: string): Promise<PartitionLag[]> {
    const count = (await topics.partitions([topic])).get(topic)
    if (count === undefined) return []
    const [committed, starts, ends] = await Promise.all([
      client.committedOffsets(group, topic, count),
      client.listOffsets(topic, 'earliest'),
      client.listOffsets(topic, 'latest'),
    ])
    return ends.map((end, partition) => {
      const at = committed[partition] ?? null
      const start = starts[partition]!
      return { topic, partition, committed: at, end, lag: Math.max(0, end - Math.max(at ?? start, start)) }
    })
  }

  return {
    async ensureTopics(settings) {
      requireOpen()
      await topics.ensure(settings)
    },
    async publish(messages) {
      requireOpen()
      await publisher.publish(messages)
    },
    async subscribe(options) {
      requireOpen()
      return await subscribe(options)
    },
    async tail(options) {
      requireOpen()
      return await tail(options)
    },
    async read(topic, options = {}) {
      requireOpen()
      const count = (await topics.partitions([topic])).get(topic)
      return count === undefined ? [] : await readRecords(client, topic, options)
    },
    async reset(group, topic, to, partitions) {
      requireOpen()
      await requireTopic(topic)
      if (await client.hasMembers(group)) throw groupBusyError(group)
      const targets = await resolveOffsets(client, topic, to)
      const chosen = targets.filter(({ partition }) => partitions?.includes(partition) ?? true)
      await client.alterGroupOffsets(group, chosen)
    },
    async lag(group, names) {
      requireOpen()
      return (await Promise.all(names.map(topic => lagOf(group, topic)))).flat()
    },
    async check() {
      requireOpen()
      await client.check(topics.known())
    },
    async close() {
      if (closed) return
      closed = true
      publisher.close(closedError(brokers))
      await Promise.all([...openResources].map(close => close()))
      await client.close()
    },
  }
}

async function openClient(name: 'platformatic' | 'kafkajs', settings: KafkaSettings): Promise<KafkaClient> {
  if (name === 'kafkajs')
    return (await loadOptional(() => import('./kafkajs.ts'))).openKafkajsClient(settings)
  return (await loadOptional(() => import('./platformatic.ts'))).openPlatformaticClient(settings)
}

async function resolveOffsets(client: KafkaClient, topic: string, to: ResetTarget): Promise<Position[]> {
  const at = typeof to === 'object' && 'offset' in to ? 'latest' : to
  const offsets = await client.listOffsets(topic, at)
  if (typeof to !== 'object' || !('offset' in to))
    return offsets.map((offset, partition) => ({ topic, partition, offset }))
  const starts = await client.listOffsets(topic, 'earliest')
  return offsets.map((end, partition) => ({
    topic,
    partition,
    offset: Math.min(Math.max(to.offset, starts[partition]!), end),
  }))
}

const closedError = (brokers: string[]): LaresError =>
  new LaresError('unavailable', `the log on ${brokers.join(', ')} is closed`)

const groupBusyError = (group: string): LaresError =>
  new LaresError('busy', `the group "${group}" has members: close them before it is moved`)
