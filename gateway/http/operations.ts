import type { FastifyInstance, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { LaresError } from '../../shared/base/errors.ts'
import { deliveryGroup } from '../../shared/contract/consumer-groups.ts'
import type { deliveries } from '../../shared/operations/operations.ts'
import { DEFAULT_TURNS, MAX_TURNS } from '../../shared/operations/trace-types.ts'
import { OWNER } from '../auth/access.ts'
import type { Parts, Rooms } from '../context.ts'
import { listUndelivered } from '../delivery/delivery-ledger.ts'
import { REPLIES } from '../delivery/dispatcher.ts'
import { checked } from './error-responses.ts'

type WithId = { Params: { id: string } }

const traced = z.strictObject({ turns: z.coerce.number().int().min(1).max(MAX_TURNS).default(DEFAULT_TURNS) })

/** GET /api/status, /api/trace/:id, the deliveries and the dead letters: for the owner alone, since they show what other people said. */
export function operationRoutes(app: FastifyInstance, { parts, outboxes }: Rooms): void {
  const { status, trace, dead, audit } = parts
  const options = { onRequest: async ({ person }: FastifyRequest) => checkOwner(person) }

  if (status) app.get('/api/status', options, status)
  /** What shows what people said is recorded before it is shown. */
  const read = async (what: string, id: string) =>
    await audit?.record({ action: 'read', by: { person: OWNER }, about: { what, id } })
  if (trace)
    app.get<WithId>('/api/trace/:id', options, async ({ params, query }) => {
      const asked = { id: params.id, ...checked(traced, query) }
      await read('trace', params.id)
      return await trace(asked)
    })
  app.get('/api/deliveries', options, () => deliveriesOf(parts))
  app.post<{ Params: { channel: string; id: string } }>(
    '/api/deliveries/:channel/:id/retry',
    options,
    async ({ params: { channel, id } }) => {
      const outbox = outboxes.find(one => one.channel === channel)
      if (!outbox) throw new LaresError('not_found', `gateway.yaml has no delivery "${channel}"`)
      return await outbox.resend(id)
    },
  )
  if (!dead) return
  app.get('/api/dead', options, async () => ({ deadLetters: await dead.list() }))
  app.get<WithId>('/api/dead/:id', options, async ({ params }) => {
    await read('dead letter', params.id)
    return await dead.show(params.id)
  })
  app.post<WithId>('/api/dead/:id/retry', options, ({ params }) => dead.retry(params.id))
}

function checkOwner(person: string): void {
  if (person !== OWNER) throw new LaresError('forbidden', 'only the owner may do this')
}

/** For each channel how many replies wait for it; and what was given up, the newest first. */
async function deliveriesOf({ bus, config, conversations }: Parts): Promise<z.infer<typeof deliveries>> {
  const channels = await Promise.all(
    config.deliveries.map(async ({ name }) => {
      const partitions = await bus.lag(deliveryGroup(name), [REPLIES])
      return { name, waiting: partitions.reduce((sum, { lag }) => sum + lag, 0) }
    }),
  )
  return { channels, undelivered: await listUndelivered(conversations.documents) }
}
