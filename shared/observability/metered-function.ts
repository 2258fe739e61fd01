import { toLaresError } from '../base/errors.ts'
import type { LaresEvent } from '../contract/events/event.ts'
import type { Invocable } from '../contract/invoke.ts'
import { FINE_SECONDS_BUCKETS, type Metrics } from './metrics.ts'

/**
 * `faas.invoke_duration`, `faas.errors` and `faas.timeouts` of
 * https://opentelemetry.io/docs/specs/semconv/faas/faas-metrics/
 */
export function meteredFunction(invocable: Invocable, metrics: Metrics): Invocable {
  const faas_name = invocable.manifest.name
  const duration = metrics.histogram(
    'faas_invoke_duration_seconds',
    'How long a function worked on an event.',
    ['faas_name', 'faas_trigger'],
    FINE_SECONDS_BUCKETS,
  )
  const errors = metrics.counter('faas_errors_total', 'Events that a function failed to handle.', [
    'faas_name',
    'error_type',
  ])
  const timeouts = metrics.counter('faas_timeouts_total', 'Events that took a function too long.', [
    'faas_name',
  ])
  const running = metrics.gauge('lares_function_running', 'Events that a function works on now.', [
    'faas_name',
  ])
  timeouts.inc({ faas_name }, 0)
  running.set({ faas_name }, 0)
  return {
    ...invocable,
    async *invoke(event: LaresEvent, signal?: AbortSignal) {
      const startedAt = performance.now()
      running.inc({ faas_name })
      try {
        yield* invocable.invoke(event, signal)
      } catch (error) {
        const { code } = toLaresError(error)
        errors.inc({ faas_name, error_type: code })
        if (code === 'deadline_exceeded') timeouts.inc({ faas_name })
        throw error
      } finally {
        running.dec({ faas_name })
        duration.observe({ faas_name, faas_trigger: 'pubsub' }, (performance.now() - startedAt) / 1_000)
      }
    },
  }
}
