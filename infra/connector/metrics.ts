import type { Logger } from '../../shared/base/log.ts'
import type { BusRecord } from '../../shared/bus/bus.ts'
import { functionGroup } from '../../shared/contract/consumer-groups.ts'
import { duplicateCounter, FINE_SECONDS_BUCKETS, type Metrics } from '../../shared/observability/metrics.ts'
import type { InFlight } from '../../shared/operations/in-flight.ts'
import type { FunctionStatus, OperationStatus } from '../../shared/operations/operations.ts'

/** The connector's counters. */
export type ConnectorMetrics = {
  /** The bus delivered a record. `isRepeated`: the worker has received it before and drops it. */
  received(functionName: string, topic: string, isRepeated: boolean): void
  /** An attempt has ended, with the code of its error or none. */
  attempted(functionName: string, topic: string, ms: number, error?: string): void
  /** The connector will retry the event because of this error. */
  retried(functionName: string, error: string): void
  /** The event has failed for good. */
  deadLettered(functionName: string): void
}

const CONSUMER_LABELS = [
  'messaging_system',
  'messaging_destination_name',
  'messaging_consumer_group_name',
] as const

/** Names: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics/; `system` is the bus's driver. */
export function connectorMetrics(metrics: Metrics, system: string): ConnectorMetrics {
  const consumed = metrics.counter(
    'messaging_client_consumed_messages_total',
    'Records that came from the log, those that came again included.',
    [...CONSUMER_LABELS, 'messaging_operation_name'],
  )
  const duration = metrics.histogram(
    'messaging_process_duration_seconds',
    'How long a try of an event took, until what it emitted was on the log.',
    [...CONSUMER_LABELS, 'messaging_operation_name', 'error_type'],
    FINE_SECONDS_BUCKETS,
  )
  const retries = metrics.counter('lares_retries_total', 'Tries that failed and are followed by another.', [
    'function',
    'error_type',
  ])
  const deadLetters = metrics.counter('lares_dead_letters_total', 'Events that failed for good.', [
    'function',
  ])
  const countDuplicate = duplicateCounter(metrics, 'connector')
  const labelsOf = (name: string, topic: string) => ({
    messaging_system: system,
    messaging_destination_name: topic,
    messaging_consumer_group_name: functionGroup(name),
  })
  return {
    received(name, topic, isRepeated) {
      consumed.inc({ ...labelsOf(name, topic), messaging_operation_name: 'receive' })
      if (isRepeated) countDuplicate()
    },
    attempted: (name, topic, ms, error = '') =>
      duration.observe(
        { ...labelsOf(name, topic), messaging_operation_name: 'process', error_type: error },
        ms / 1_000,
      ),
    retried: (name, error) => retries.inc({ function: name, error_type: error }),
    deadLettered: name => deadLetters.inc({ function: name }),
  }
}

/** One page asks several times for the same status, so it is cached this long. */
const STATUS_TTL_MS = 1_000

export type FunctionLoad = { function: string; running: number; held: number }

export type StatusMetricsDependencies = {
  status(): Promise<OperationStatus>
  loads(): FunctionLoad[]
  log: Logger
}

/**
 * Gauges that each request reads: each function's lag, and the records that this connector holds. When the status
 * cannot be read, as with an unreachable bus, the page omits its values, which marks them as unknown.
 */
export function registerStatusMetrics(
  metrics: Metrics,
  { status, loads, log }: StatusMetricsDependencies,
): void {
  const readStatus = cachedFor(STATUS_TTL_MS, () =>
    status().catch(error => void log.warn({ err: error }, 'the metrics leave out what cannot be read')),
  )
  const functionGauge = (name: string, help: string, measure: (one: FunctionStatus) => number) =>
    metrics.gauge(name, help, ['function'], async gauge => {
      gauge.reset()
      for (const one of (await readStatus())?.functions ?? []) gauge.set({ function: one.name }, measure(one))
    })
  const loadGauge = (name: string, help: string, count: (load: FunctionLoad) => number) =>
    metrics.gauge(name, help, ['function'], gauge => {
      gauge.reset()
      for (const load of loads()) gauge.set({ function: load.function }, count(load))
    })
  functionGauge('lares_function_lag', 'Events on the log that a function has not finished.', ({ lag }) => lag)
  functionGauge(
    'lares_function_oldest_seconds',
    'How long the oldest event that a function has not finished has waited.',
    ({ oldestMs = 0 }) => oldestMs / 1_000,
  )
  loadGauge('lares_connector_in_flight', 'Tries that run now.', ({ running }) => running)
  loadGauge('lares_connector_held', 'Events taken from the log and not finished.', ({ held }) => held)
  metrics.gauge(
    'lares_dead_letters',
    'Events that failed for good and that nobody has put back.',
    [],
    async gauge => {
      const known = await readStatus()
      if (known) gauge.set(known.deadLetters)
      else gauge.remove()
    },
  )
}

function cachedFor<T>(ms: number, read: () => Promise<T>): () => Promise<T> {
  let last: { at: number; value: Promise<T> } | undefined
  return () => {
    if (!last || performance.now() - last.at > ms) last = { at: performance.now(), value: read() }
    return last.value
  }
}

export function loadOf(name: string, inFlight: ReadonlyMap<BusRecord, InFlight>): FunctionLoad {
  let running = 0
  for (const { runningSinceMs } of inFlight.values()) if (runningSinceMs !== undefined) running++
  return { function: name, running, held: inFlight.size }
}
