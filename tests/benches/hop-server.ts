// One of the servers that bench:hop compares, as a process of its own: node hop-server.ts KIND. It prints its port.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { fastify } from 'fastify'
import { silentLogger } from '../../shared/base/log.ts'
import { defineFunction } from '../../shared/contract/definition.ts'
import { createInvocable } from '../../shared/contract/invoke.ts'
import { serve } from '../../shared/contract/serve.ts'
import { openFolderObjects } from '../../shared/objects/folder.ts'

/** The answer of all servers: a skill's result. */
const resultFor = ({ callId, step, text }: { callId: string; step: number; text: string }) =>
  ({ callId, step, status: 'ok', text }) as const

const servers: Record<string, () => Promise<number>> = {
  async lares() {
    const definition = defineFunction<'lares.skill.hop.requested'>({
      name: 'hop',
      receives: ['lares.skill.hop.requested'],
      emits: ['lares.result.returned'],
      handle: event => ({ type: 'lares.result.returned', data: resultFor(event.data) }),
    })
    const one = createInvocable(definition, {
      services: {},
      objects: openFolderObjects(tmpdir()),
      log: silentLogger,
    })
    return (await serve(one, { port: 0, log: silentLogger })).port
  },
  async node() {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', chunk => chunks.push(chunk))
      request.on('end', () => {
        const body = Buffer.from(JSON.stringify(resultFor(JSON.parse(Buffer.concat(chunks).toString()))))
        response
          .writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
          .end(body)
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  },
  async fastify() {
    const app = fastify()
    app.post('/', async request => resultFor(request.body as Parameters<typeof resultFor>[0]))
    await app.listen({ port: 0, host: '127.0.0.1' })
    return (app.server.address() as AddressInfo).port
  },
}

console.log(await servers[process.argv[2]!]!())
