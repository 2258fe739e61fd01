import { LaresError } from '../../../shared/base/errors.ts'
import type { Bus, BusMessage, PartitionLag, ResetTarget, TailOptions } from '../../../shared/bus/bus.ts'
import type { Names } from '../trace.ts'
import type { Calls, Line, World } from './calls.ts'
import { type Group, openGroup } from './consumer-group.ts'
import { idOf, type Log, PARTITIONS } from './log.ts'
import type { Life } from './machine.ts'

/** The simulated bus: it keeps the promises of `shared/bus/bus.ts`, and no others. */
export type SimulatedBus = {
  /** As one process sees it. */
  of(life: Life): Bus
  groups(): IterableIterator<[string, Group]>
}

export function openBus(log: Log, calls: Calls, world: World, names: Names): SimulatedBus {
  const { chance, clock } = world
  const groups = new Map<string, Group>()
  const groupOf = (name: string): Group => {
    const group = groups.get(name) ?? openGroup(name, log, calls, world)
    groups.set(name, group)
    return group
  }
  const lagOf = (group: string, topics: string[]): PartitionLag[] =>
    topics.flatMap(topic =>
      Array.from({ length: log.topics().includes(topic) ? PARTITIONS : 0 }, (_, partition) => {
        const at = { topic, partition }
        const committed = log.positions.get(`${group} ${idOf(at)}`) ?? null
        const end = log.end(at)
        return { ...at, committed, end, lag: end - (committed ?? 0) }
      }),
    )

  const publish = (life: Life, messages: BusMessage[], line: Line): Promise<void> => {
    const place = `publishes ${wordsFor(messages, names)}`
    const write = (some: (part: string) => boolean) => {
      // Of a partition a batch is written whole or not at all.
      for (const message of messages) if (some(idOf(log.placeOf(message)))) log.append(message)
    }
    return calls.make({
      life,
      of: 'bus',
      place,
      line,
      refused: 'publish-refused',
      unconfirmed: 'publish-unconfirmed',
      effect() {
        for (const message of messages) log.placeOf(message)
        if (!chance.fault('publish-partial', `${life.name} ${place}`)) return write(() => true)
        const written = new Map<string, boolean>()
        write(part => {
          const isWritten = written.get(part) ?? chance.share(`part ${part}`) < 0.5
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
      log.commit(group, { topic, partition }, log.end({ topic, partition }))
  }

  const tail = async (life: Life, { topics, onRecords }: TailOptions) => {
    let isClosed = false
    const positions = new Map<string, number>()
    const lines = new Map<string, Line>()
    const each = topics.flatMap(topic => [0, 1].map(partition => ({ topic, partition })))
    for (const at of each) positions.set(idOf(at), log.end(at))
    log.onAppend(at => {
      const id = idOf(at)
      if (!positions.has(id) || isClosed || !life.alive) return
      const line = lines.get(id) ?? { lastMs: 0 }
      lines.set(id, line)
      line.lastMs = Math.max(line.lastMs, clock.nowMs() + calls.travelMs(`${life.name} sees ${id}`))
      const arrive = () => {
        if (isClosed) return
        const records = log.from(at, positions.get(id)!, 100)
        if (records.length === 0) return
        positions.set(id, records.at(-1)!.offset + 1)
        onRecords(records)
      }
      clock.after(line.lastMs - clock.nowMs(), arrive, life)
    })
    return {
      async close() {
        isClosed = true
      },
    }
  }

  return {
    groups: () => groups.entries(),
    of(life) {
      const line: Line = { lastMs: 0 }
      const ask = <T>(place: string, effect: () => T) => calls.make({ life, of: 'bus', place, effect })
      return {
        ensureTopics: topics => ask('makes topics', () => topics.forEach(({ name }) => void log.make(name))),
        publish: messages => publish(life, messages, line),
        subscribe: options => groupOf(options.group).join(life, options),
        tail: options => ask('begins to watch the log', () => tail(life, options)).then(opened => opened),
        read: (topic, { partition, from, limit = 1_000 } = {}) =>
          ask(`reads ${topic}`, () =>
            [0, 1]
              .filter(one => partition === undefined || one === partition)
              .flatMap(one =>
                log.from({ topic, partition: one }, from && 'offset' in from ? from.offset : 0, limit),
              ),
          ),
        reset: (group, topic, to) => ask(`resets ${group}`, () => reset(group, topic, to)),
        lag: (group, topics) => ask(`asks for the lag of ${group}`, () => lagOf(group, topics)),
        check: () => ask('checks the bus', () => undefined),
        close: async () => undefined,
      }
    },
  }
}

/** `reply(c0.1) stream(c0.1)`: which types, of which turns. */
function wordsFor(messages: BusMessage[], names: Names): string {
  const words = messages.map(
    ({ topic, headers }) => `${topic.slice(6)}(${names.of(headers.ce_correlationid)})`,
  )
  return [...new Set(words)].join(' ')
}
