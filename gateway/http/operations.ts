import type { FastifyInstance, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { LaresError } from '../../shared/base/errors.ts'
import { deliveryGroup } from '../../shared/contract/consumer-groups.ts'
import type { deliveriesSchema } from '../../shared/operations/operations.ts'
import { DEFAULT_TRACED_TURNS, MAX_TRACED_TURNS } from '../../shared/operations/trace-types.ts'
import { OWNER } from '../auth/access.ts'
import type { GatewayContext } from '../context.ts'
import { listUndelivered } from '../delivery/delivery-ledger.ts'
import { REPLY_TOPIC } from '../delivery/dispatcher.ts'
import type { GatewayOptions } from '../options.ts'
import { parseInput } from './error-responses.ts'

type IdParams = { Params: { id: string } }

const traceQuery = z.strictObject({
  turns: z.coerce.number().int().min(1).max(MAX_TRACED_TURNS).default(DEFAULT_TRACED_TURNS),
})

/** GET /api/status, /api/trace/:id, the deliveries and the dead letters: for the owner alone, since they show what other people said. */
export function operationRoutes(app: FastifyInstance, { options, dispatchers }: GatewayContext): void {
  const { status, trace, deadLetters, audit } = options
  if (status) app.get('/api/status', ownerOnly, status)
  /** What shows what people said is recorded before it is shown. */
  const auditRead = async (what: string, id: string) =>
    await audit.record({ action: 'read', by: { person: OWNER }, about: { what, id } })
  if (trace)
    app.get<IdParams>('/api/trace/:id', ownerOnly, async ({ params, query }) => {
      const request = { id: params.id, ...parseInput(traceQuery, query) }
      await auditRead('trace', params.id)
      return await trace(request)
    })
  app.get('/api/deliveries', ownerOnly, () => listDeliveries(options))
  app.post<{ Params: { channel: string; id: string } }>(
    '/api/deliveries/:channel/:id/retry',
    ownerOnly,
    async ({ params: { channel, id } }) => {
      const dispatcher = dispatchers.find(one => one.channel === channel)
      if (!dispatcher) throw new LaresError('not_found', `gateway.yaml has no delivery "${channel}"`)
      return await dispatcher.resend(id)
    },
  )
  if (!deadLetters) return
  app.get('/api/dead', ownerOnly, async () => ({ deadLetters: await deadLetters.list() }))
  app.get<IdParams>('/api/dead/:id', ownerOnly, async ({ params }) => {
    await auditRead('dead letter', params.id)
    return await deadLetters.show(params.id)
  })
  app.post<IdParams>('/api/dead/:id/retry', ownerOnly, ({ params }) => deadLetters.retry(params.id))
}

/** Options of a route for the owner alone. */
export const ownerOnly = { onRequest: async ({ person }: FastifyRequest) => requireOwner(person) }

function requireOwner(person: string): void {
  if (person !== OWNER) throw new LaresError('forbidden', 'only the owner may do this')
}

/** For each channel how many replies wait for it; and what was given up, the newest first. */
async function listDeliveries({
  bus,
  config,
  store,
}: GatewayOptions): Promise<z.infer<typeof deliveriesSchema>> {
  const channels = await Promise.all(
    config.deliveries.map(async ({ name }) => {
      const partitions = await bus.lag(deliveryGroup(name), [REPLY_TOPIC])
      return { name, waiting: partitions.reduce((sum, { lag }) => sum + lag, 0) }
    }),
  )
  return { channels, undelivered: await listUndelivered(store.records) }
}
