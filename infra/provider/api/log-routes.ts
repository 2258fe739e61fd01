import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Backend, LogLine } from '../backend.ts'
import { parseFunctionName } from './requests.ts'

const logQuerySchema = z.object({
  name: z.string().min(1),
  namespace: z.string().optional(),
  instance: z.string().optional(),
  since: z.iso.datetime({ offset: true }).optional(),
  /** faas-cli sends -1 for all lines. */
  tail: z.coerce.number().int().min(-1).optional(),
  follow: z.enum(['true', 'false', '1', '0', '']).optional(),
})

/**
 * GET /system/logs: lines of JSON as they arrive, until the client disconnects (faas-provider v0.25, logs/handler.go).
 */
export function registerLogRoutes(app: FastifyInstance, backend: Backend, closing: AbortSignal): void {
  app.get('/system/logs', async (request, reply) => {
    const { data, error } = logQuerySchema.safeParse(request.query)
    if (!data) throw new LaresError('invalid_request', z.prettifyError(error))
    const clientGone = new AbortController()
    reply.raw.once('close', () => clientGone.abort())
    const lines = backend.logs(
      {
        name: parseFunctionName(data.name),
        follow: data.follow === 'true' || data.follow === '1',
        ...(data.instance && { instance: data.instance }),
        ...(data.since !== undefined && { sinceMs: Date.parse(data.since) }),
        ...(data.tail !== undefined && data.tail >= 0 && { tail: data.tail }),
      },
      AbortSignal.any([clientGone.signal, closing]),
    )
    // Sends the headers at once, so that a client sees that it follows a silent function. Fastify's reply would wait
    // for the first line.
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson' }).flushHeaders()
    await pipeline(Readable.from(toJsonLines(lines)), reply.raw).catch(error => {
      if (!clientGone.signal.aborted) throw error
    })
  })
}

async function* toJsonLines(lines: AsyncIterable<LogLine>): AsyncGenerator<string> {
  for await (const line of lines) yield `${JSON.stringify(line)}\n`
}
