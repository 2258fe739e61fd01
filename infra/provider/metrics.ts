import { FINE_SECONDS, openMetrics, SECONDS } from '../../shared/observability/metrics.ts'
import type { Backend } from './backend.ts'
import { NAMESPACE } from './deployment.ts'

/** OpenFaaS's names (https://docs.openfaas.com/architecture/metrics/), so that its dashboards and rules work. */
export type ProviderMetrics = {
  started(name: string): void
  /** `seconds` from the request's arrival to the answer's end, waiting for a start included. */
  answered(name: string, status: number, seconds: number): void
  /** A request of the REST API. */
  served(method: string, path: string, status: number, seconds: number): void
  /** Prometheus's text format. */
  page(): Promise<string>
}

export function openProviderMetrics(backend: Backend): ProviderMetrics {
  const page = openMetrics()
  const invocations = page.counter(
    'gateway_function_invocation_total',
    'Invocations of a function by status.',
    ['function_name', 'code'],
  )
  const startedOnes = page.counter(
    'gateway_function_invocation_started',
    'Invocations of a function that have begun.',
    ['function_name'],
  )
  const durations = page.histogram(
    'gateway_functions_seconds',
    'Time that invocations of a function took.',
    ['function_name', 'code'],
    FINE_SECONDS,
  )
  const requests = page.counter('provider_http_requests_total', 'Total number of HTTP requests.', [
    'code',
    'method',
    'path',
  ])
  const requestDurations = page.histogram(
    'provider_http_request_duration_seconds',
    'Seconds spent serving HTTP requests.',
    ['code', 'method', 'path'],
    SECONDS,
  )
  page.gauge('gateway_service_count', 'Replicas of a function that answer.', ['function_name'], gauge => {
    gauge.reset()
    for (const { deployment, availableReplicas } of backend.list())
      gauge.set({ function_name: labelOf(deployment.name) }, availableReplicas)
  })
  return {
    started: name => startedOnes.inc({ function_name: labelOf(name) }),
    answered(name, status, seconds) {
      const labels = { function_name: labelOf(name), code: String(status) }
      invocations.inc(labels)
      durations.observe(labels, seconds)
    },
    served(method, path, status, seconds) {
      const labels = { method, path, code: String(status) }
      requests.inc(labels)
      requestDurations.observe(labels, seconds)
    },
    page: page.page,
  }
}

const labelOf = (name: string) => `${name}.${NAMESPACE}`
