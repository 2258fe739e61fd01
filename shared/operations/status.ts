import type { Bus, PartitionLag } from '../bus/bus.ts'
import { functionGroup } from '../contract/consumer-groups.ts'
import type { DeployedFunction, FunctionSource } from '../contract/stack.ts'
import type { DeadLetters, FunctionStatus, OperationStatus } from './operations.ts'

export type StatusParts = {
  bus: Bus
  source: FunctionSource
  dead: Pick<DeadLetters, 'list'>
  /** Asks a function for a sign of life; rejects with the reason. */
  reach?: (name: string) => Promise<unknown>
  now?: () => number
}

/** How far each deployed function is behind, and how many dead letters wait for somebody. Read anew at each call. */
export function openStatus(parts: StatusParts): () => Promise<OperationStatus> {
  return async () => {
    const deployed = await parts.source()
    const [functions, dead] = await Promise.all([
      Promise.all(deployed.map(one => statusOf(parts, one))),
      parts.dead.list(),
    ])
    return { functions, deadLetters: dead.filter(({ retriedAt }) => retriedAt === undefined).length }
  }
}

async function statusOf(parts: StatusParts, { name, topics }: DeployedFunction): Promise<FunctionStatus> {
  const partitions = await parts.bus.lag(functionGroup(name), topics)
  const waiting = partitions.filter(({ lag }) => lag > 0)
  const [problem, ...since] = await Promise.all([
    problemOf(parts, name),
    ...waiting.map(partition => oldestOf(parts.bus, partition)),
  ])
  const oldest = Math.min(...since)
  return {
    name,
    topics,
    lag: waiting.reduce((sum, { lag }) => sum + lag, 0),
    ...(Number.isFinite(oldest) && { oldestMs: Math.max(0, (parts.now ?? Date.now)() - oldest) }),
    ...(problem !== undefined && { problem }),
  }
}

async function problemOf({ reach }: StatusParts, name: string): Promise<string | undefined> {
  try {
    await reach?.(name)
  } catch (error) {
    return (error as Error).message
  }
}

/** When the oldest unfinished record was appended; infinity when it is gone meanwhile. */
async function oldestOf(bus: Bus, { topic, partition, committed }: PartitionLag): Promise<number> {
  const [record] = await bus.read(topic, { partition, from: { offset: committed ?? 0 }, limit: 1 })
  return record?.timestampMs ?? Number.POSITIVE_INFINITY
}
