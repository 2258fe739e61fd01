import type { FastifyInstance, FastifyRequest } from 'fastify'
import { LaresError } from '../shared/errors.ts'
import { OWNER } from './access.ts'
import type { Rooms } from './parts.ts'

type WithId = { Params: { id: string } }

/** GET /api/status and the dead letters: for the owner alone, since they show what other people said. */
export function operationRoutes(app: FastifyInstance, { parts: { status, dead } }: Rooms): void {
  const options = { onRequest: async ({ person }: FastifyRequest) => checkOwner(person) }

  if (status) app.get('/api/status', options, status)
  if (!dead) return
  app.get('/api/dead', options, async () => ({ deadLetters: await dead.list() }))
  app.get<WithId>('/api/dead/:id', options, ({ params }) => dead.show(params.id))
  app.post<WithId>('/api/dead/:id/retry', options, ({ params }) => dead.retry(params.id))
}

function checkOwner(person: string): void {
  if (person !== OWNER) throw new LaresError('forbidden', 'only the owner may do this')
}
