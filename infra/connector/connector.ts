import type { Logger } from '../../shared/base/log.ts'
import type { Bus } from '../../shared/bus/bus.ts'
import type { Catalogue, Manifest } from '../../shared/contract/catalogue.ts'
import type { EventLog } from '../../shared/contract/events/event-log.ts'
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from '../../shared/contract/retry-policy.ts'
import type { DeployedFunction, FunctionSource } from '../../shared/contract/stack.ts'
import { requiredTopics } from '../../shared/contract/topics.ts'
import { type InFlightRecord, inFlightRecordsOf } from '../../shared/operations/in-flight.ts'
import { startWorker, type Worker } from './consumer/worker.ts'
import type { Invoker } from './invokers/invoker.ts'
import type { ConnectorMetrics, FunctionLoad } from './metrics.ts'
import { loadOf } from './metrics.ts'
import { openRemovedFunctions } from './removed-functions.ts'

const REFRESH_INTERVAL_MS = 2_000

export type ConnectorOptions = {
  bus: Bus
  events: EventLog
  source: FunctionSource
  invoker: Invoker
  catalogue: Catalogue
  log: Logger
  metrics?: ConnectorMetrics
  /** The policy of functions that declare none of their own; default `DEFAULT_RETRY_POLICY`. */
  retry?: Partial<RetryPolicy>
  now?: () => number
  random?: () => number
  /** The interval in ms at which the connector reads the functions again; default 2,000. */
  refreshIntervalMs?: number
}

export type Connector = {
  /** The unfinished records of a conversation in this connector. It does not know those of other connectors. */
  inFlight(conversation: string): InFlightRecord[]
  /** The records that this connector holds, by function. */
  loads(): FunctionLoad[]
  close(): Promise<void>
}

/**
 * Moves events between the bus and the functions. It does not exit when a function, the source of functions or the bus
 * is unreachable: it keeps its last good map and continues. Errors at the start: none; it retries a missing part.
 */
export async function startConnector(options: ConnectorOptions): Promise<Connector> {
  const { bus, invoker, source, catalogue, log, refreshIntervalMs = REFRESH_INTERVAL_MS } = options
  const workers = new Map<string, Worker>()
  const manifests = new Map<string, Manifest>()
  let deployed: DeployedFunction[] = []
  let timer: NodeJS.Timeout | undefined
  let closed = false

  const startWorkerFor = (name: string, topics: string[], invoker: Invoker) =>
    startWorker(bus, topics, {
      function: name,
      events: options.events,
      invoker,
      retry: () => ({ ...DEFAULT_RETRY_POLICY, ...options.retry, ...manifests.get(name)?.retry }),
      log: log.child({ function: name }),
      metrics: options.metrics,
      now: options.now ?? Date.now,
      random: options.random ?? Math.random,
    })
  const removedFunctions = openRemovedFunctions({
    startWorker: startWorkerFor,
    catalogue,
    now: options.now ?? Date.now,
    log,
  })
  const startFunction = async ({ name, topics }: DeployedFunction) => {
    const worker = await startWorkerFor(name, topics, invoker)
    const concurrency = manifests.get(name)?.concurrency
    if (concurrency !== undefined) worker.setConcurrency(concurrency)
    workers.set(name, worker)
  }
  const stopFunction = async (name: string) => {
    const worker = workers.get(name)
    workers.delete(name)
    await worker?.close()
  }
  const readManifest = async ({ name }: DeployedFunction) => {
    const manifest = await invoker
      .manifest(name)
      .catch(error => void log.debug({ err: error }, `no manifest of ${name} yet`))
    if (!manifest) return
    manifests.set(name, manifest)
    workers.get(name)?.setConcurrency(manifest.concurrency)
  }
  const applyDeployed = async () => {
    const names = deployed.map(({ name }) => name)
    for (const name of manifests.keys()) if (!names.includes(name)) manifests.delete(name)
    await forEachConcurrently(
      [...workers].filter(([name, { topics }]) => !isUnchanged(deployed, name, topics)),
      ([name]) => stopFunction(name),
    )
    // Close the rejecting worker first: only the function's own worker may read a function that comes back.
    await removedFunctions.update(deployed)
    await forEachConcurrently(deployed, readManifest)
    await bus.ensureTopics(requiredTopics(deployed, [...manifests.values()]))
    const missing = deployed.filter(({ name, topics }) => topics.length > 0 && !workers.has(name))
    await forEachConcurrently(missing, startFunction)
    await catalogue.write([...manifests.values()], names)
  }
  const refresh = async () => {
    try {
      deployed = await source()
      await applyDeployed()
    } catch (error) {
      log.warn({ err: error }, 'the functions could not be read anew; going on with those known')
    }
    if (!closed) timer = setTimeout(() => (refreshing = refresh()), refreshIntervalMs)
  }
  let refreshing = refresh()
  await refreshing

  return {
    inFlight: conversation =>
      [...workers].flatMap(([name, worker]) => inFlightRecordsOf(name, worker.inFlight(), conversation)),
    loads: () => [...workers].map(([name, worker]) => loadOf(name, worker.inFlight())),
    async close() {
      closed = true
      clearTimeout(timer)
      await refreshing
      await removedFunctions.close()
      await forEachConcurrently([...workers.keys()], stopFunction)
    },
  }
}

/**
 * Waits until all have ended, even if some fail: a second start of one that is still starting would read every record
 * twice.
 */
async function forEachConcurrently<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const failed = (await Promise.allSettled(items.map(work))).find(({ status }) => status === 'rejected')
  if (failed) throw (failed as PromiseRejectedResult).reason
}

const isUnchanged = (deployed: DeployedFunction[], name: string, topics: string[]) =>
  deployed.some(known => known.name === name && known.topics.join() === topics.join())
