import type { Registry } from 'prom-client'
// Parts of the package: the whole of it also brings clustering and a push client. These cost 10 MB of memory and 80 ms
// of CPU in every function.
import Counter from 'prom-client/lib/counter.js'
import Gauge from 'prom-client/lib/gauge.js'
import Histogram from 'prom-client/lib/histogram.js'
import RegistryOf from 'prom-client/lib/registry.js'

/**
 * The metrics of a process, for Prometheus. Names follow OpenTelemetry's semantic conventions where those have one, in
 * Prometheus's form (dots are underscores, units and `_total` at the end). All other names begin with `lares_`. No
 * label names a person or a conversation, and every label has few values.
 */
export type Metrics = {
  counter<L extends string>(name: string, help: string, labels: readonly L[]): Counter<L>
  /** `read` sets the gauge's values each time the page is requested. */
  gauge<L extends string>(
    name: string,
    help: string,
    labels: readonly L[],
    read?: (gauge: Gauge<L>) => void | Promise<void>,
  ): Gauge<L>
  histogram<L extends string>(
    name: string,
    help: string,
    labels: readonly L[],
    buckets: number[],
  ): Histogram<L>
  /** All metrics in Prometheus's text format, version 0.0.4, with the process's own. */
  page(): Promise<string>
}

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Seconds, as https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ advises. */
export const SECONDS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
/** The same boundaries, with lower ones for work of about a millisecond, and higher ones for model calls. */
export const FINE_SECONDS_BUCKETS = [0.001, 0.0025, ...SECONDS_BUCKETS, 30, 60, 300]

/** Opens the metrics. Several parts of one process that ask for the same name get the same metric. */
export function openMetrics(): Metrics {
  const registry: Registry = new RegistryOf()
  let processMetrics: Promise<void> | undefined
  const getOrCreate = <M>(name: string, make: () => M): M =>
    (registry.getSingleMetric(name) as M | undefined) ?? make()
  return {
    counter: (name, help, labels) =>
      getOrCreate(name, () => new Counter({ name, help, labelNames: labels, registers: [registry] })),
    gauge: (name, help, labels, read) =>
      getOrCreate(name, () => {
        const gauge: Gauge<(typeof labels)[number]> = new Gauge({
          name,
          help,
          labelNames: labels,
          registers: [registry],
          ...(read && { collect: () => read(gauge) }),
        })
        return gauge
      }),
    histogram: (name, help, labels, buckets) =>
      getOrCreate(
        name,
        () => new Histogram({ name, help, labelNames: labels, buckets, registers: [registry] }),
      ),
    async page() {
      processMetrics ??= watchProcess(registry)
      await processMetrics
      return await registry.metrics()
    },
  }
}

/** Process metrics are collected from the first request on; until then they cost nothing. */
async function watchProcess(register: Registry): Promise<void> {
  const { default: collectDefaultMetrics } = await import('prom-client/lib/defaultMetrics.js')
  collectDefaultMetrics({ register })
  // Removes gauges with names of counters, which `promtool check metrics` refuses; the gauges by kind have the same
  // values.
  for (const kind of ['handles', 'requests', 'resources'])
    register.removeSingleMetric(`nodejs_active_${kind}_total`)
}

export type DeduplicationPlace = 'connector' | 'dialog' | 'gateway'

/** Counts repeated items that were recognised by their id, by the place that dropped them. */
export function duplicateCounter(metrics: Metrics, place: DeduplicationPlace): () => void {
  const counter = metrics.counter('lares_duplicates_total', 'What came a second time and was dropped.', [
    'place',
  ])
  counter.inc({ place }, 0)
  return () => counter.inc({ place })
}
