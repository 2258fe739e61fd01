import { LaresError } from '../../../shared/base/errors.ts'
import type { Bus, BusMessage, PartitionLag, ResetTarget, TailOptions } from '../../../shared/bus/bus.ts'
import type { Names } from '../trace.ts'
import type { Calls, OrderedLink, World } from './calls.ts'
import { type ConsumerGroup, openConsumerGroup } from './consumer-group.ts'
import { type BrokerLog, PARTITIONS, topicPartitionId } from './log.ts'
import type { Life } from './machine.ts'

/** The simulated bus: it keeps the promises of `shared/bus/bus.ts`, and no others. */
export type SimulatedBus = {
  /** The bus as one process sees it. */
  forProcess(life: Life): Bus
  groups(): IterableIterator<[string, ConsumerGroup]>
}

export function openSimulatedBus(log: BrokerLog, calls: Calls, world: World, names: Names): SimulatedBus {
  const { chance, clock } = world
  const groups = new Map<string, ConsumerGroup>()
  const groupOf = (name: string): ConsumerGroup => {
    const group = groups.get(name) ?? openConsumerGroup(name, log, calls, world)
    groups.set(name, group)
    return group
  }
  const lagOf = (group: string, topics: string[]): PartitionLag[] =>
    topics.flatMap(topic =>
      Array.from({ length: log.topics().includes(topic) ? PARTITIONS : 0 }, (_, partition) => {
        const at = { topic, partition }
        const committed = log.committedOffsets.get(`${group} ${topicPartitionId(at)}`) ?? null
        const end = log.endOffset(at)
        return { ...at, committed, end, lag: end - (committed ?? 0) }
      }),
    )

  const publish = (life: Life, messages: BusMessage[], link: OrderedLink): Promise<void> => {
    const site = `publishes ${describeMessages(messages, names)}`
    const write = (isAccepted: (part: string) => boolean) => {
      // A partition gets a batch whole or not at all.
      for (const message of messages)
        if (isAccepted(topicPartitionId(log.partitionFor(message)))) log.append(message)
    }
    return calls.call({
      life,
      target: 'bus',
      site,
      link,
      refusedFault: 'publish-refused',
      unconfirmedFault: 'publish-unconfirmed',
      effect() {
        for (const message of messages) log.partitionFor(message)
        if (!chance.injects('publish-partial', `${life.name} ${site}`)) return write(() => true)
        const written = new Map<string, boolean>()
        write(part => {
          const isWritten = written.get(part) ?? chance.uniform(`part ${part}`) < 0.5
          written.set(part, isWritten)
          return isWritten
        })
        throw new LaresError('unavailable', 'the batch was cut short')
      },
    })
  }

  const reset = (group: string, topic: string, to: ResetTarget) => {
    if (to !== 'latest') throw new LaresError('invalid_request', 'the simulation resets to the end only')
    if (groupOf(group).hasMembers()) throw new LaresError('busy', `the group "${group}" has members`)
    for (let partition = 0; partition < PARTITIONS; partition++)
      log.commit(group, { topic, partition }, log.endOffset({ topic, partition }))
  }

  const tail = async (life: Life, { topics, onRecords }: TailOptions) => {
    let isClosed = false
    const positions = new Map<string, number>()
    const links = new Map<string, OrderedLink>()
    const partitions = topics.flatMap(topic => [0, 1].map(partition => ({ topic, partition })))
    for (const at of partitions) positions.set(topicPartitionId(at), log.endOffset(at))
    log.onAppend(at => {
      const id = topicPartitionId(at)
      if (!positions.has(id) || isClosed || !life.alive) return
      const link = links.get(id) ?? { lastArrivalMs: 0 }
      links.set(id, link)
      link.lastArrivalMs = Math.max(
        link.lastArrivalMs,
        clock.nowMs() + calls.latencyMs(`${life.name} sees ${id}`),
      )
      const arrive = () => {
        if (isClosed) return
        const records = log.readFrom(at, positions.get(id)!, 100)
        if (records.length === 0) return
        positions.set(id, records.at(-1)!.offset + 1)
        onRecords(records)
      }
      clock.schedule(link.lastArrivalMs - clock.nowMs(), arrive, life)
    })
    return {
      async close() {
        isClosed = true
      },
    }
  }

  return {
    groups: () => groups.entries(),
    forProcess(life) {
      const link: OrderedLink = { lastArrivalMs: 0 }
      const call = <T>(site: string, effect: () => T) => calls.call({ life, target: 'bus', site, effect })
      return {
        ensureTopics: topics =>
          call('makes topics', () => topics.forEach(({ name }) => void log.createTopic(name))),
        publish: messages => publish(life, messages, link),
        subscribe: options => groupOf(options.group).join(life, options),
        tail: options => call('begins to watch the log', () => tail(life, options)).then(opened => opened),
        read: (topic, { partition, from, limit = 1_000 } = {}) =>
          call(`reads ${topic}`, () =>
            [0, 1]
              .filter(one => partition === undefined || one === partition)
              .flatMap(one =>
                log.readFrom({ topic, partition: one }, from && 'offset' in from ? from.offset : 0, limit),
              ),
          ),
        reset: (group, topic, to) => call(`resets ${group}`, () => reset(group, topic, to)),
        lag: (group, topics) => call(`asks for the lag of ${group}`, () => lagOf(group, topics)),
        check: () => call('checks the bus', () => undefined),
        close: async () => undefined,
      }
    },
  }
}

/** `reply(c0.1) stream(c0.1)`: which types, of which turns. */
function describeMessages(messages: BusMessage[], names: Names): string {
  const words = messages.map(
    ({ topic, headers }) => `${topic.slice(6)}(${names.nameOf(headers.ce_correlationid)})`,
  )
  return [...new Set(words)].join(' ')
}
