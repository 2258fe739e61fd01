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
  /** The functions that are deployed, and how they are called. The caller closes the invoker. */
  source: FunctionSource
  invoker: Invoker
}

export type Background = {
  connector: Connector
  /** What the owner asks and does, with this process's own connector. */
  operations: Operations
  /** The names of what runs, in the order in which it was started. */
  tasks: string[]
  /** Ends everything, in the reverse order. */
  close(): Promise<void>
}

type Task = { name: string; close(): Promise<void> }

/**
 * Starts all work that no request causes. Every deployment starts this one list, so what works in one works in all: one
 * process starts it beside the gateway, any other deployment in the connector's process. Several may run at once.
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
