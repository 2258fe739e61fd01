import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { duplicatesOf, type Metrics, PAGE_TYPE, SECONDS } from '../../shared/observability/metrics.ts'
import type { Rooms } from '../context.ts'
import type { Intake } from '../ingress/intake.ts'

/** GET /metrics, for the owner and for `metricsToken` of gateway.yaml. */
export function metricsRoutes(app: FastifyInstance, { parts: { metrics }, access }: Rooms): void {
  if (!metrics) return
  app.get('/metrics', async (request, reply) => {
    access.enterMetrics(request)
    return reply.type(PAGE_TYPE).send(await metrics.page())
  })
}

/** `http.server.*` of https://opentelemetry.io/docs/specs/semconv/http/http-metrics/; a stream counts until it ends. */
export function measureRequests(app: FastifyInstance, metrics: Metrics): void {
  const duration = metrics.histogram(
    'http_server_request_duration_seconds',
    'How long requests took, by their route.',
    ['http_request_method', 'http_route', 'http_response_status_code', 'url_scheme'],
    SECONDS,
  )
  const active = metrics.gauge('http_server_active_requests', 'Requests under way.', [
    'http_request_method',
    'url_scheme',
  ])

  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    const common = { http_request_method: methodOf(request), url_scheme: request.protocol }
    active.inc(common)
    reply.raw.once('close', () => {
      active.dec(common)
      duration.observe(
        {
          ...common,
          http_route: request.routeOptions.url ?? '',
          http_response_status_code: String(reply.raw.statusCode),
        },
        reply.elapsedTime / 1_000,
      )
    })
  })
}

/** As the conventions want it: what is no method of HTTP is one value, so that nobody can make endless ones. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'])
const methodOf = ({ method }: FastifyRequest): string => (METHODS.has(method) ? method : '_OTHER')

/** Counts messages by the channel that they came by, and those that had come before. */
export function meteredIntake(intake: Intake, metrics: Metrics): Intake {
  const accepted = metrics.counter('lares_messages_accepted_total', 'Messages taken in.', ['channel'])
  const repeated = duplicatesOf(metrics, 'gateway')
  return async incoming => {
    const result = await intake(incoming)
    if (result.repeated) repeated()
    else accepted.inc({ channel: incoming.channel })
    return result
  }
}
