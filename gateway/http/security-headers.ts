import type { FastifyInstance } from 'fastify'
import type { GatewayContext } from '../context.ts'
import { pathOf } from './error-responses.ts'

/** The page loads everything from this gateway. No foreign content can be put into it, and no page can embed it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types dompurify',
].join('; ')

const SECURITY_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
}

const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': 'GET, POST, DELETE',
  'access-control-allow-headers':
    'authorization, content-type, idempotency-key, last-event-id, x-lares-time-zone',
  'access-control-max-age': '600',
}

/**
 * Adds security headers to every answer and CORS for the allowed origins (with tokens, never with cookies). Logs each
 * request.
 */
export function addSecurityHeaders(app: FastifyInstance, { options }: GatewayContext): void {
  const allowedOrigins = new Set(options.config.allowedOrigins.map(origin => new URL(origin).origin))

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS)
    const { origin } = request.headers
    if (allowedOrigins.size > 0) reply.header('vary', 'Origin')
    if (origin === undefined || !allowedOrigins.has(origin)) return
    reply.headers({
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'retry-after, x-lares-conversation',
    })
    if (request.method === 'OPTIONS') return reply.headers(PREFLIGHT_HEADERS).code(204).send()
  })

  app.addHook('onResponse', async (request, reply) => {
    const { method } = request
    const ms = Math.round(reply.elapsedTime)
    options.log.debug({ method, path: pathOf(request), status: reply.statusCode, ms }, 'answered')
  })
}
