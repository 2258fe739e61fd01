import * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'
import { type GatewayClient, openGatewayClient } from '../gateway-client.ts'

const readinessSchema = z.object({
  ready: z.boolean(),
  parts: z.record(z.string(), z.object({ ok: z.boolean(), problem: z.string().optional() })),
  /** Notices of a ready gateway for the operator. */
  notices: z.array(z.string()).default([]),
})
export type Readiness = z.infer<typeof readinessSchema>

const REQUEST_TIMEOUT_MS = 5_000

/**
 * Asks a gateway whether it is ready, which needs no token. Errors: `unavailable` when nothing answers, `conflict` when
 * another program answers.
 */
export async function fetchReadiness(url: string): Promise<Readiness> {
  const client: GatewayClient = openGatewayClient({ url, token: '' })
  const response = await client.fetch('/readyz', { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })
  const parsed = readinessSchema.safeParse(await response.json().catch(() => undefined))
  if (parsed.success) return parsed.data
  throw new LaresError(
    'conflict',
    `another program than a gateway of Lares answers at ${url}: set PORT or LARES_URL`,
  )
}
