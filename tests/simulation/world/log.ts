import { LaresError } from '../../../shared/base/errors.ts'
import type { BusMessage, BusRecord, TopicPartition } from '../../../shared/bus/bus.ts'
import { partitionOf } from '../../../shared/bus/partition.ts'
import type { Chance } from '../chance.ts'
import type { VisitedStates } from '../checks/visited.ts'
import type { Clock } from '../clock.ts'

/** Few, so that conversations share them. */
export const PARTITIONS = 2

export const topicPartitionId = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

/** The broker's disk: it outlives every process. */
export type BrokerLog = {
  createTopic(topic: string): void
  topics(): string[]
  /** Errors: `not_found`. */
  partitionFor(message: Pick<BusMessage, 'topic' | 'key'>): TopicPartition
  append(message: BusMessage): void
  records(at: TopicPartition): readonly BusRecord[]
  /** The records of a topic, each partition in its order. */
  allRecords(topic: string): BusRecord[]
  /** Records from an offset on. */
  readFrom(at: TopicPartition, position: number, limit: number): BusRecord[]
  /** One past the last record. */
  endOffset(at: TopicPartition): number
  /** Calls it whenever something is appended. */
  onAppend(run: (at: TopicPartition) => void): void
  committedOffsets: Map<string, number>
  /** The first commit of each group in each partition. */
  firstCommits: Map<string, number>
  commit(group: string, at: TopicPartition, offset: number): void
}

export function openBrokerLog(clock: Clock, chance: Chance, visited: VisitedStates): BrokerLog {
  const topics = new Map<string, BusRecord[][]>()
  const listeners: ((at: TopicPartition) => void)[] = []
  const committedOffsets = new Map<string, number>()
  const firstCommits = new Map<string, number>()
  const records = ({ topic, partition }: TopicPartition) => topics.get(topic)?.[partition] ?? []
  const endOffset = (at: TopicPartition) => (records(at).at(-1)?.offset ?? -1) + 1
  const partitionFor: BrokerLog['partitionFor'] = ({ topic, key }) => {
    if (!topics.has(topic)) throw new LaresError('not_found', `there is no topic "${topic}"`)
    return { topic, partition: partitionOf(key, PARTITIONS) }
  }
  return {
    records,
    allRecords: topic => (topics.get(topic) ?? []).flat(),
    endOffset,
    partitionFor,
    committedOffsets,
    firstCommits,
    topics: () => [...topics.keys()],
    createTopic(topic) {
      if (!topics.has(topic))
        topics.set(
          topic,
          Array.from({ length: PARTITIONS }, () => []),
        )
    },
    append(message) {
      const at = partitionFor(message)
      // Kafka leaves gaps where its transactions end.
      const gap = chance.uniform(`gap ${topicPartitionId(at)}`) < 0.05 ? 1 : 0
      const offset = endOffset(at) + gap
      const timestampMs = clock.wallClockMs()
      records(at).push({ ...message, ...at, offset, timestampMs })
      visited.setPart(`${topicPartitionId(at)}/${offset}`, message.headers.ce_id ?? '')
      for (const run of listeners) run(at)
    },
    readFrom(at, position, limit) {
      const all = records(at)
      let first = all.length
      while (first > 0 && all[first - 1]!.offset >= position) first--
      return all.slice(first, first + limit).map(copyRecord)
    },
    onAppend: run => void listeners.push(run),
    commit(group, at, offset) {
      const place = `${group} ${topicPartitionId(at)}`
      if (!committedOffsets.has(place)) firstCommits.set(place, offset)
      committedOffsets.set(place, offset)
      visited.setPart(`${group} ${topicPartitionId(at)}`, String(offset))
    },
  }
}

const copyRecord = (record: BusRecord): BusRecord => ({ ...record, headers: { ...record.headers } })
