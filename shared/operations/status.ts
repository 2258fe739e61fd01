import type { Bus, PartitionLag } from '../bus/bus.ts'
import { functionGroup } from '../contract/consumer-groups.ts'
import type { DeployedFunction, FunctionSource } from '../contract/stack.ts'
import type { ConnectorView } from './connector-view.ts'
import type { DeadLetters, FunctionStatus, OperationStatus } from './operations.ts'

export type StatusDependencies = {
  bus: Bus
  source: FunctionSource
  deadLetters: Pick<DeadLetters, 'list'>
  /** Calls a function to check that it answers; rejects with the reason. */
  probe(name: string): Promise<unknown>
  connector: Pick<ConnectorView, 'status'>
  now?: () => number
}

/**
 * The lag of each deployed function, the connector's state, and the number of dead letters that nobody has put back.
 * Each call reads them again.
 */
export function openStatus(dependencies: StatusDependencies): () => Promise<OperationStatus> {
  return async () => {
    const deployed = await dependencies.source()
    const [connector, functions, dead] = await Promise.all([
      dependencies.connector.status(),
      Promise.all(deployed.map(one => statusOf(dependencies, one))),
      dependencies.deadLetters.list(),
    ])
    return {
      ...(connector && { connector }),
      functions,
      deadLetters: dead.filter(({ retriedAt }) => retriedAt === undefined).length,
    }
  }
}

async function statusOf(
  dependencies: StatusDependencies,
  { name, topics }: DeployedFunction,
): Promise<FunctionStatus> {
  const partitions = await dependencies.bus.lag(functionGroup(name), topics)
  const lagging = partitions.filter(({ lag }) => lag > 0)
  const [problem, ...oldestTimestamps] = await Promise.all([
    problemOf(dependencies, name),
    ...lagging.map(partition => oldestTimestampMs(dependencies.bus, partition)),
  ])
  const oldest = Math.min(...oldestTimestamps)
  return {
    name,
    topics,
    lag: lagging.reduce((sum, { lag }) => sum + lag, 0),
    ...(Number.isFinite(oldest) && { oldestMs: Math.max(0, (dependencies.now ?? Date.now)() - oldest) }),
    ...(problem !== undefined && { problem }),
  }
}

async function problemOf({ probe }: StatusDependencies, name: string): Promise<string | undefined> {
  try {
    await probe(name)
  } catch (error) {
    return (error as Error).message
  }
}

/** When the oldest unfinished record was appended; infinity if it has been removed meanwhile. */
async function oldestTimestampMs(bus: Bus, { topic, partition, committed }: PartitionLag): Promise<number> {
  const [record] = await bus.read(topic, { partition, from: { offset: committed ?? 0 }, limit: 1 })
  return record?.timestampMs ?? Number.POSITIVE_INFINITY
}
