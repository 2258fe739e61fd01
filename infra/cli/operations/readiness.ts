import * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'
import { type GatewayClient, openGatewayClient } from '../gateway-client.ts'

const readinessSchema = z.object({
  ready: z.boolean(),
  parts: z.record(z.string(), z.object({ ok: z.boolean(), problem: z.string().optional() })),
})
export type Readiness = z.infer<typeof readinessSchema>

const REQUEST_TIMEOUT_MS = 5_000

/** What a gateway says of itself; it needs no token. Errors: `unavailable` when there is none, `conflict` when it is no gateway. */
export async function fetchReadiness(url: string): Promise<Readiness> {
  const client: GatewayClient = openGatewayClient({ url, token: '' })
  const response = await client.fetch('/readyz', { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })
  const parsed = readinessSchema.safeParse(await response.json().catch(() => undefined))
  if (parsed.success) return parsed.data
  throw new LaresError('conflict', `what answers at ${url} is no gateway of Lares: set PORT or LARES_URL`)
}
