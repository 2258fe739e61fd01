import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  duplicateCounter,
  METRICS_CONTENT_TYPE,
  type Metrics,
  SECONDS_BUCKETS,
} from '../../shared/observability/metrics.ts'
import type { GatewayContext } from '../context.ts'
import type { Intake } from '../ingress/intake.ts'

/** GET /metrics, for the owner and for `metricsToken` of gateway.yaml. */
export function metricsRoutes(
  app: FastifyInstance,
  { options: { metrics }, authenticator }: GatewayContext,
): void {
  if (!metrics) return
  app.get('/metrics', async (request, reply) => {
    authenticator.authorizeMetrics(request)
    return reply.type(METRICS_CONTENT_TYPE).send(await metrics.page())
  })
}

/** `http.server.*` of https://opentelemetry.io/docs/specs/semconv/http/http-metrics/; a stream counts until it ends. */
export function measureRequests(app: FastifyInstance, metrics: Metrics): void {
  const duration = metrics.histogram(
    'http_server_request_duration_seconds',
    'How long requests took, by their route.',
    ['http_request_method', 'http_route', 'http_response_status_code', 'url_scheme'],
    SECONDS_BUCKETS,
  )
  const active = metrics.gauge('http_server_active_requests', 'Requests under way.', [
    'http_request_method',
    'url_scheme',
  ])

  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    const labels = { http_request_method: methodOf(request), url_scheme: request.protocol }
    active.inc(labels)
    reply.raw.once('close', () => {
      active.dec(labels)
      duration.observe(
        {
          ...labels,
          http_route: request.routeOptions.url ?? '',
          http_response_status_code: String(reply.raw.statusCode),
        },
        reply.elapsedTime / 1_000,
      )
    })
  })
}

/** The conventions map every unknown method to one value, so that clients cannot create any number of values. */
const KNOWN_METHODS = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
])
const methodOf = ({ method }: FastifyRequest): string => (KNOWN_METHODS.has(method) ? method : '_OTHER')

/** Counts messages by channel, and duplicates separately. */
export function meteredIntake(intake: Intake, metrics: Metrics): Intake {
  const accepted = metrics.counter('lares_messages_accepted_total', 'Messages taken in.', ['channel'])
  const countDuplicate = duplicateCounter(metrics, 'gateway')
  return async incoming => {
    const result = await intake(incoming)
    if (result.isDuplicate) countDuplicate()
    else accepted.inc({ channel: incoming.address.channel })
    return result
  }
}
