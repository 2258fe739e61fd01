import { LaresError } from '../../../shared/base/errors.ts'
import type { BusMessage, BusRecord, TopicPartition } from '../../../shared/bus/bus.ts'
import { partitionOf } from '../../../shared/bus/partition.ts'
import type { Chance } from '../chance.ts'
import type { Visited } from '../checks/visited.ts'
import type { Clock } from '../clock.ts'

/** Few, so that conversations share them. */
export const PARTITIONS = 2

export const idOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

/** What the broker has on its disk: it outlives every process. */
export type Log = {
  make(topic: string): void
  topics(): string[]
  /** Errors: `not_found`. */
  placeOf(message: Pick<BusMessage, 'topic' | 'key'>): TopicPartition
  append(message: BusMessage): void
  records(at: TopicPartition): readonly BusRecord[]
  /** What is on a topic, each partition in its order. */
  all(topic: string): BusRecord[]
  /** From a position on. */
  from(at: TopicPartition, position: number, limit: number): BusRecord[]
  /** One past the last record. */
  end(at: TopicPartition): number
  /** Calls it whenever something is appended. */
  onAppend(run: (at: TopicPartition) => void): void
  positions: Map<string, number>
  /** What each group committed first, of each partition. */
  firsts: Map<string, number>
  commit(group: string, at: TopicPartition, offset: number): void
}

export function openLog(clock: Clock, chance: Chance, visited: Visited): Log {
  const topics = new Map<string, BusRecord[][]>()
  const listeners: ((at: TopicPartition) => void)[] = []
  const positions = new Map<string, number>()
  const firsts = new Map<string, number>()
  const records = ({ topic, partition }: TopicPartition) => topics.get(topic)?.[partition] ?? []
  const end = (at: TopicPartition) => (records(at).at(-1)?.offset ?? -1) + 1
  const placeOf: Log['placeOf'] = ({ topic, key }) => {
    if (!topics.has(topic)) throw new LaresError('not_found', `there is no topic "${topic}"`)
    return { topic, partition: partitionOf(key, PARTITIONS) }
  }
  return {
    records,
    all: topic => (topics.get(topic) ?? []).flat(),
    end,
    placeOf,
    positions,
    firsts,
    topics: () => [...topics.keys()],
    make(topic) {
      if (!topics.has(topic))
        topics.set(
          topic,
          Array.from({ length: PARTITIONS }, () => []),
        )
    },
    append(message) {
      const at = placeOf(message)
      // Kafka leaves gaps where its transactions end.
      const gap = chance.share(`gap ${idOf(at)}`) < 0.05 ? 1 : 0
      const offset = end(at) + gap
      const timestampMs = clock.wallMs()
      records(at).push({ ...message, ...at, offset, timestampMs })
      visited.set(`${idOf(at)}/${offset}`, message.headers.ce_id ?? '')
      for (const run of listeners) run(at)
    },
    from(at, position, limit) {
      const all = records(at)
      let first = all.length
      while (first > 0 && all[first - 1]!.offset >= position) first--
      return all.slice(first, first + limit).map(copy)
    },
    onAppend: run => void listeners.push(run),
    commit(group, at, offset) {
      const place = `${group} ${idOf(at)}`
      if (!positions.has(place)) firsts.set(place, offset)
      positions.set(place, offset)
      visited.set(`${group} ${idOf(at)}`, String(offset))
    },
  }
}

const copy = (record: BusRecord): BusRecord => ({ ...record, headers: { ...record.headers } })
