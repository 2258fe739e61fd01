import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { LogCopy } from '../../shared/operations/log-copy.ts'
import type { GatewayContext } from '../context.ts'
import { ownerOnly } from './operations.ts'

/** Serves the embedded log to `lares backup`, because this process owns the log: its records as stored, encrypted. */
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
  // This line tells the reader that the answer is complete.
  yield '{"end":true}\n'
}
