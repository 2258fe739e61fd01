import type { FastifyInstance } from 'fastify'
import { withTimeout } from '../../shared/base/concurrency/timeout.ts'
import { LaresError } from '../../shared/base/errors.ts'
import type { GatewayContext } from '../context.ts'

const CHECK_TIMEOUT_MS = 2_000

type Health = { ok: boolean; problem?: string }

/**
 * GET /healthz reports that this process runs; GET /readyz reports which of its parts are ready. Both need no token.
 */
export function healthRoutes(app: FastifyInstance, { options }: GatewayContext): void {
  app.get('/healthz', async () => ({ status: 'ok' }))

  app.get('/readyz', async (_request, reply) => {
    const checks = Object.entries(options.checks)
    const results = await Promise.all(
      checks.map(async ([name, check]) => [name, await checkHealth(name, check)] as const),
    )
    const ready = results.every(([, { ok }]) => ok)
    const notices = options.notices?.() ?? []
    return reply
      .code(ready ? 200 : 503)
      .send({ ready, parts: Object.fromEntries(results), ...(notices.length > 0 && { notices }) })
  })
}

/** Messages of a LaresError are written for people. Any other error may hold private details. */
async function checkHealth(name: string, check: () => Promise<void>): Promise<Health> {
  try {
    await withTimeout(CHECK_TIMEOUT_MS, name, check())
    return { ok: true }
  } catch (error) {
    return { ok: false, problem: error instanceof LaresError ? error.message : 'it failed' }
  }
}
