import { LaresError } from '../../../shared/base/errors.ts'
import { partitionOf } from '../../../shared/bus/partition.ts'
import type { LogPosition } from '../../../shared/operations/log-copy.ts'
import type { BackupLine, BackupLineOf } from './backup-format.ts'

/** The facts that a restore needs before it writes anything. */
export type RestorePlan = {
  topics: string[]
  /** The positions of consumer groups. Their offsets fit a log whose restored records begin at 0. */
  positions: LogPosition[]
  keys: BackupLineOf<'key'>[]
  anchors: BackupLineOf<'anchor'>[]
}

/** Reads a whole backup and changes nothing. Errors: those of `lines`. */
export async function planRestore(lines: AsyncIterable<BackupLine>): Promise<RestorePlan> {
  const topics = new Set<string>()
  const positions: LogPosition[] = []
  const keys: BackupLineOf<'key'>[] = []
  const anchors: BackupLineOf<'anchor'>[] = []
  const handledRecords = new Map<LogPosition, number>()
  for await (const line of lines) {
    if (line.kind === 'position') {
      const { kind: _, ...position } = line
      positions.push(position)
      topics.add(position.topic)
    } else if (line.kind === 'record') {
      topics.add(line.topic)
      for (const position of positions)
        if (isHandled(line, position)) handledRecords.set(position, (handledRecords.get(position) ?? 0) + 1)
    } else if (line.kind === 'key') keys.push(line)
    else if (line.kind === 'anchor') anchors.push(line)
  }
  return {
    topics: [...topics],
    positions: positions.map(position => ({ ...position, offset: handledRecords.get(position) ?? 0 })),
    keys,
    anchors,
  }
}

const isHandled = (record: BackupLineOf<'record'>, position: LogPosition): boolean =>
  record.topic === position.topic &&
  record.partition === position.partition &&
  record.offset < position.offset

/** Errors: `invalid_config` for a log with another number of partitions, because keys would change their partition. */
export function requireSamePartition({ topic, key, partition }: BackupLineOf<'record'>, count: number): void {
  if (partitionOf(key, count) === partition) return
  throw new LaresError(
    'invalid_config',
    `the topic ${topic} has ${count} partitions here, and another number in the backup: restore into a log with the same number`,
  )
}
