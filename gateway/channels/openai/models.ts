import type { FastifyInstance } from 'fastify'
import { LaresError } from '../../../shared/base/errors.ts'
import type { GatewayContext } from '../../context.ts'

/** GET /v1/models and /v1/models/:id: the single model. https://platform.openai.com/docs/api-reference/models */
export function modelRoutes(app: FastifyInstance, { options }: GatewayContext): void {
  const created = Math.floor((options.now ?? Date.now)() / 1000)
  const model = async () => ({ id: await options.model(), object: 'model', created, owned_by: 'lares' })

  app.get('/v1/models', async () => ({ object: 'list', data: [await model()] }))

  // The route is a wildcard, because model names contain slashes.
  app.get<{ Params: { '*': string } }>('/v1/models/*', async request => {
    const known = await model()
    if (request.params['*'] === known.id) return known
    throw new LaresError('not_found', `there is no model "${request.params['*']}"; there is "${known.id}"`)
  })
}
