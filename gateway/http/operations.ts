import type { FastifyInstance, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { LaresError } from '../../shared/base/errors.ts'
import { deliveryGroup } from '../../shared/contract/consumer-groups.ts'
import type { DeadLetters, deliveriesSchema } from '../../shared/operations/operations.ts'
import { DEFAULT_TRACED_TURNS, MAX_TRACED_TURNS } from '../../shared/operations/trace-types.ts'
import { OWNER } from '../auth/access.ts'
import type { GatewayContext } from '../context.ts'
import { listUndelivered } from '../delivery/delivery-ledger.ts'
import type { Dispatcher } from '../delivery/dispatcher.ts'
import { REPLY_TOPIC } from '../delivery/dispatcher.ts'
import type { GatewayOptions } from '../options.ts'
import { parseInput } from './error-responses.ts'

type IdParams = { Params: { id: string } }

const traceQuery = z.strictObject({
  turns: z.coerce.number().int().min(1).max(MAX_TRACED_TURNS).default(DEFAULT_TRACED_TURNS),
})

/**
 * Routes for the owner alone, because they show other people's messages: status, traces, deliveries and dead letters.
 */
export function operationRoutes(app: FastifyInstance, context: GatewayContext): void {
  const { operations, audit } = context.options
  const recordRead = (what: string, id: string) =>
    audit.record({ action: 'read', by: { person: OWNER }, about: { what, id } })
  app.get('/api/status', ownerOnly, operations.status)
  app.get<IdParams>('/api/trace/:id', ownerOnly, async ({ params, query }) => {
    const request = { id: params.id, ...parseInput(traceQuery, query) }
    await recordRead('trace', params.id)
    return await operations.trace(request)
  })
  deliveryRoutes(app, context)
  for (const prefix of DEAD_LETTER_PREFIXES) deadLetterRoutes(app, prefix, operations.deadLetters)

  function deadLetterRoutes(app: FastifyInstance, prefix: string, deadLetters: DeadLetters): void {
    app.get(prefix, ownerOnly, async () => ({ deadLetters: await deadLetters.list() }))
    app.get<IdParams>(`${prefix}/:id`, ownerOnly, async ({ params }) => {
      await recordRead('dead letter', params.id)
      return await deadLetters.show(params.id)
    })
    app.post<IdParams>(`${prefix}/:id/retry`, ownerOnly, ({ params }) => deadLetters.retry(params.id))
  }
}

/** The second prefix is the name in earlier versions. */
const DEAD_LETTER_PREFIXES = ['/api/dead-letters', '/api/dead']

function deliveryRoutes(app: FastifyInstance, { options, dispatchers }: GatewayContext): void {
  app.get('/api/deliveries', ownerOnly, () => listDeliveries(options, dispatchers))
  app.post<{ Params: { channel: string; id: string } }>(
    '/api/deliveries/:channel/:id/retry',
    ownerOnly,
    async ({ params: { channel, id } }) => {
      const dispatcher = dispatchers.find(one => one.channel === channel)
      if (!dispatcher) throw new LaresError('not_found', `no channel "${channel}" delivers replies`)
      return await dispatcher.resend(id)
    },
  )
}

/** Options of a route for the owner alone. */
export const ownerOnly = { onRequest: async ({ person }: FastifyRequest) => requireOwner(person) }

function requireOwner(person: string): void {
  if (person !== OWNER) throw new LaresError('forbidden', 'only the owner may do this')
}

/** The number of waiting replies of each channel, and the undelivered replies, newest first. */
async function listDeliveries(
  { bus, store }: GatewayOptions,
  dispatchers: readonly Dispatcher[],
): Promise<z.infer<typeof deliveriesSchema>> {
  const channels = await Promise.all(
    dispatchers.map(async ({ channel: name }) => {
      const partitions = await bus.lag(deliveryGroup(name), [REPLY_TOPIC])
      return { name, waiting: partitions.reduce((sum, { lag }) => sum + lag, 0) }
    }),
  )
  return { channels, undelivered: await listUndelivered(store.records) }
}
