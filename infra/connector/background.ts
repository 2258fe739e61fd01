import type { Logger } from '../../shared/base/log.ts'
import type { Environment } from '../../shared/config/environment.ts'
import { openCatalogue } from '../../shared/contract/catalogue.ts'
import type { FunctionSource } from '../../shared/contract/stack.ts'
import type { Drivers } from '../../shared/host/drivers.ts'
import { type Operations, openOperations } from '../../shared/operations/open-operations.ts'
import { startArchiving } from '../timers/archive.ts'
import { startJournalTrimming } from '../timers/journal-retention.ts'
import { startTimers } from '../timers/timers.ts'
import { type Connector, startConnector } from './connector.ts'
import { auditedInvoker } from './invokers/audited-invoker.ts'
import type { Invoker } from './invokers/invoker.ts'
import { connectorMetrics, registerStatusMetrics } from './metrics.ts'

export type BackgroundDependencies = {
  environment: Environment
  drivers: Drivers
  log: Logger
  /** The deployed functions and their invoker. The caller closes the invoker. */
  source: FunctionSource
  invoker: Invoker
}

export type Background = {
  connector: Connector
  /** The operations of the owner, with this process's own connector. */
  operations: Operations
  /** The names of the running tasks, in the order of their start. */
  tasks: string[]
  /** Ends all tasks, in the reverse order. */
  close(): Promise<void>
}

type Task = { name: string; close(): Promise<void> }

/**
 * Starts all work that no request causes. Every deployment starts this one list, so a task that works in one works in
 * all. One process starts it beside the gateway; any other deployment starts it in the connector's process. Several
 * processes may run it at once.
 */
export async function startBackground(dependencies: BackgroundDependencies): Promise<Background> {
  const { environment, drivers, log, source } = dependencies
  const [bus, events, store, objects] = await Promise.all([
    drivers.bus(),
    drivers.events(),
    drivers.store(),
    drivers.objects(),
  ])
  const invoker = auditedInvoker(dependencies.invoker, await drivers.audit())
  const connector = await startConnector({
    bus,
    events,
    invoker,
    source,
    catalogue: openCatalogue(store.records),
    log,
    metrics: connectorMetrics(drivers.metrics, environment.bus),
  })
  const tasks: Task[] = [
    { name: 'connector', close: connector.close },
    { name: 'timers', ...startTimers(store.timers, events, log) },
    { name: 'journal retention', ...startJournalTrimming(store, log) },
    { name: 'archive', ...startArchiving(objects, environment.coldDays, log) },
  ]
  const operations = openOperations({
    bus,
    objects,
    store,
    source,
    probe: invoker.manifest,
    connector: {
      inFlight: async conversation => connector.inFlight(conversation),
      status: async () => ({}),
    },
  })
  registerStatusMetrics(drivers.metrics, { status: operations.status, loads: connector.loads, log })
  return {
    connector,
    operations,
    tasks: tasks.map(({ name }) => name),
    async close() {
      for (const task of tasks.toReversed()) await task.close()
    },
  }
}
