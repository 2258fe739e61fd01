import { FINE_SECONDS_BUCKETS, openMetrics, SECONDS_BUCKETS } from '../../shared/observability/metrics.ts'
import type { Backend } from './backend.ts'
import { NAMESPACE } from './deployment.ts'

/** OpenFaaS's names (https://docs.openfaas.com/architecture/metrics/), so that its dashboards and rules work. */
export type ProviderMetrics = {
  invocationStarted(name: string): void
  /** `seconds`: from the request's arrival to the response's end, including the wait for a start. */
  invocationCompleted(name: string, status: number, seconds: number): void
  /** A request of the REST API. */
  requestServed(method: string, path: string, status: number, seconds: number): void
  /** The metrics in Prometheus's text format. */
  render(): Promise<string>
}

export function openProviderMetrics(backend: Backend): ProviderMetrics {
  const registry = openMetrics()
  const invocations = registry.counter(
    'gateway_function_invocation_total',
    'Invocations of a function by status.',
    ['function_name', 'code'],
  )
  const startedInvocations = registry.counter(
    'gateway_function_invocation_started',
    'Invocations of a function that have begun.',
    ['function_name'],
  )
  const durations = registry.histogram(
    'gateway_functions_seconds',
    'Time that invocations of a function took.',
    ['function_name', 'code'],
    FINE_SECONDS_BUCKETS,
  )
  const requests = registry.counter('provider_http_requests_total', 'Total number of HTTP requests.', [
    'code',
    'method',
    'path',
  ])
  const requestDurations = registry.histogram(
    'provider_http_request_duration_seconds',
    'Seconds spent serving HTTP requests.',
    ['code', 'method', 'path'],
    SECONDS_BUCKETS,
  )
  registry.gauge('gateway_service_count', 'Replicas of a function that answer.', ['function_name'], gauge => {
    gauge.reset()
    for (const { deployment, availableReplicas } of backend.list())
      gauge.set({ function_name: functionLabelOf(deployment.name) }, availableReplicas)
  })
  return {
    invocationStarted: name => startedInvocations.inc({ function_name: functionLabelOf(name) }),
    invocationCompleted(name, status, seconds) {
      const labels = { function_name: functionLabelOf(name), code: String(status) }
      invocations.inc(labels)
      durations.observe(labels, seconds)
    },
    requestServed(method, path, status, seconds) {
      const labels = { method, path, code: String(status) }
      requests.inc(labels)
      requestDurations.observe(labels, seconds)
    },
    render: registry.page,
  }
}

const functionLabelOf = (name: string) => `${name}.${NAMESPACE}`
