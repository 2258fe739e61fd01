import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Backend } from './backend.ts'
import { NAMESPACE } from './deployment.ts'

/** OpenFaaS's names (https://docs.openfaas.com/architecture/metrics/), so that its dashboards and rules work. */
export type Metrics = {
  started(name: string): void
  /** `seconds` from the request's arrival to the answer's end, waiting for a start included. */
  answered(name: string, status: number, seconds: number): void
  /** A request of the REST API. */
  served(method: string, path: string, status: number, seconds: number): void
  /** Prometheus's text format. */
  text(): Promise<string>
  contentType: string
}

export function openMetrics(backend: Backend): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const invocations = new Counter({
    name: 'gateway_function_invocation_total',
    help: 'Invocations of a function by status.',
    labelNames: ['function_name', 'code'],
    registers,
  })
  const startedOnes = new Counter({
    name: 'gateway_function_invocation_started',
    help: 'Invocations of a function that have begun.',
    labelNames: ['function_name'],
    registers,
  })
  const durations = new Histogram({
    name: 'gateway_functions_seconds',
    help: 'Time that invocations of a function took.',
    labelNames: ['function_name', 'code'],
    registers,
  })
  const requests = new Counter({
    name: 'provider_http_requests_total',
    help: 'Total number of HTTP requests.',
    labelNames: ['code', 'method', 'path'],
    registers,
  })
  const requestDurations = new Histogram({
    name: 'provider_http_request_duration_seconds',
    help: 'Seconds spent serving HTTP requests.',
    labelNames: ['code', 'method', 'path'],
    registers,
  })
  new Gauge({
    name: 'gateway_service_count',
    help: 'Replicas of a function that answer.',
    labelNames: ['function_name'],
    registers,
    collect() {
      this.reset()
      for (const { deployment, availableReplicas } of backend.list())
        this.set({ function_name: labelOf(deployment.name) }, availableReplicas)
    },
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
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

const labelOf = (name: string) => `${name}.${NAMESPACE}`
