import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import type { Backend } from '../backend.ts'
import { NAMESPACE } from '../deployment.ts'
import { parseBody } from './requests.ts'

const secretRequestSchema = z.object({
  name: z.string().min(1),
  namespace: z.string().optional(),
  value: z.string().optional(),
  /** Base64, as Go encodes bytes. */
  rawValue: z.base64().optional(),
})

/** The routes below /system/secrets. They list names and never return values. */
export function registerSecretRoutes(app: FastifyInstance, { secrets }: Backend): void {
  app.get('/system/secrets', async () => (await secrets.list()).map(name => ({ name, namespace: NAMESPACE })))
  for (const [method, mode] of [
    ['POST', 'create'],
    ['PUT', 'replace'],
  ] as const)
    app.route({
      method,
      url: '/system/secrets',
      async handler(request, reply) {
        const { name, value, rawValue } = parseBody(secretRequestSchema, request)
        await secrets.put(
          name,
          value === undefined ? Buffer.from(rawValue ?? '', 'base64') : Buffer.from(value),
          mode,
        )
        return reply.code(202).send()
      },
    })
  app.delete('/system/secrets', async (request, reply) => {
    await secrets.remove(parseBody(secretRequestSchema, request).name)
    return reply.code(202).send()
  })
}
