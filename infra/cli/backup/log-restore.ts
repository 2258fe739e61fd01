import { LaresError } from '../../../shared/base/errors.ts'
import type { Bus, BusMessage } from '../../../shared/bus/bus.ts'
import { partitionOf } from '../../../shared/bus/partition.ts'
import { functionGroup } from '../../../shared/contract/consumer-groups.ts'
import { requiredTopics } from '../../../shared/contract/topics.ts'
import type { LogPosition } from '../../../shared/operations/log-copy.ts'
import type { BackupLineOf } from './backup-format.ts'
import { requireSamePartition } from './restore-plan.ts'

const BATCH_SIZE = 500

export type LogRestore = {
  /** The number of records that the log has already. */
  existing: number
  add(record: BackupLineOf<'record'>): Promise<void>
  /** Publishes the remaining records, and moves the consumer groups. Errors: `busy` while a group has members. */
  end(positions: LogPosition[]): Promise<void>
}

/**
 * Writes records in their order. It assumes that an interrupted restore wrote the existing records of a partition, and
 * skips as many.
 */
export async function openLogRestore(bus: Bus, topics: string[]): Promise<LogRestore> {
  await bus.ensureTopics(
    requiredTopics([{ name: 'restore', topics } as Parameters<typeof requiredTopics>[0][number]], []),
  )
  const lags = await bus.lag(functionGroup('backup'), topics)
  const left = new Map(lags.map(({ topic, partition, end }) => [`${topic}/${partition}`, end]))
  const partitions = lags.length / new Set(lags.map(({ topic }) => topic)).size
  const existing = lags.reduce((sum, { end }) => sum + end, 0)
  let batch: BusMessage[] = []
  const publish = async () => {
    const messages = batch
    batch = []
    if (messages.length > 0) await bus.publish(messages)
  }
  return {
    existing,
    async add(record) {
      requireSamePartition(record, partitions)
      const stream = `${record.topic}/${partitionOf(record.key, partitions)}`
      const skip = left.get(stream) ?? 0
      if (skip > 0) {
        left.set(stream, skip - 1)
        return
      }
      const { topic, key, headers, value } = record
      if (batch.push({ topic, key, headers, value: Buffer.from(value, 'base64') }) >= BATCH_SIZE)
        await publish()
    },
    async end(positions) {
      await publish()
      for (const { group, topic, partition, offset } of positions)
        await bus.reset(group, topic, { offset }, [partition])
    },
  }
}

/** Errors: `conflict` when the log has records. */
export function requireEmptyLog({ existing }: LogRestore): void {
  if (existing > 0)
    throw new LaresError('conflict', `the log has ${existing} records: restore into an empty deployment`)
}
