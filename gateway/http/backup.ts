import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { LogCopy } from '../../shared/operations/log-copy.ts'
import type { GatewayContext } from '../context.ts'
import { ownerOnly } from './operations.ts'

/** The embedded log belongs to this process, so `lares backup` reads it here: its records as they are stored, encrypted. */
export function backupRoutes(app: FastifyInstance, { options }: GatewayContext): void {
  const { logCopy } = options
  if (!logCopy) return
  app.get('/api/backup/positions', ownerOnly, async () => ({ positions: await logCopy.positions() }))
  app.get('/api/backup/records', ownerOnly, (_request, reply) =>
    reply.type('application/x-ndjson').send(Readable.from(recordLines(logCopy))),
  )
}

async function* recordLines(logCopy: LogCopy): AsyncGenerator<string> {
  for await (const record of logCopy.records()) yield `${JSON.stringify(record)}\n`
  // A reader tells by it that the answer is whole.
  yield '{"end":true}\n'
}
