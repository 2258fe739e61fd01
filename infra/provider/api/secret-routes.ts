import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import type { Backend } from '../backend.ts'
import { NAMESPACE } from '../deployment.ts'
import { bodyAs } from './requests.ts'

const secret = z.object({
  name: z.string().min(1),
  namespace: z.string().optional(),
  value: z.string().optional(),
  /** Base64, as Go writes bytes. */
  rawValue: z.base64().optional(),
})

/** /system/secrets: names can be listed, values never come back. */
export function secretRoutes(app: FastifyInstance, { secrets }: Backend): void {
  app.get('/system/secrets', async () => (await secrets.list()).map(name => ({ name, namespace: NAMESPACE })))
  for (const [method, mode] of [
    ['POST', 'create'],
    ['PUT', 'replace'],
  ] as const)
    app.route({
      method,
      url: '/system/secrets',
      async handler(request, reply) {
        const { name, value, rawValue } = bodyAs(secret, request)
        await secrets.put(
          name,
          value === undefined ? Buffer.from(rawValue ?? '', 'base64') : Buffer.from(value),
          mode,
        )
        return reply.code(202).send()
      },
    })
  app.delete('/system/secrets', async (request, reply) => {
    await secrets.remove(bodyAs(secret, request).name)
    return reply.code(202).send()
  })
}
