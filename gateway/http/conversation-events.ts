import type { FastifyInstance, FastifyRequest } from 'fastify'
import * as z from 'zod'
import type { Rooms } from '../context.ts'
import { checkConversation } from '../ingress/intake.ts'
import { currentSequence, follow, shown } from '../live/history-follower.ts'
import { checked } from './error-responses.ts'
import { EVENT_STREAM, type Outlet, openOutlet } from './event-stream-response.ts'

const HEARTBEAT_MS = 15_000

const sequence = z
  .string()
  .regex(/^\d{1,15}$/, 'the id of an event of this stream')
  .transform(Number)
const resume = z.strictObject({ lastEventId: sequence.optional(), from: z.literal('start').optional() })

/** GET /api/conversations/:id/events: server-sent events, resumed by Last-Event-ID. https://html.spec.whatwg.org/multipage/server-sent-events.html */
export function eventRoutes(app: FastifyInstance, rooms: Rooms): void {
  app.get<{ Params: { id: string } }>(
    '/api/conversations/:id/events',
    { exposeHeadRoute: false },
    async (request, reply) => {
      const conversation = request.params.id
      await checkConversation(rooms.parts.conversations.history, conversation, request.person)
      const after = await startOf(request, rooms, conversation)
      const outlet = openOutlet(reply, EVENT_STREAM)
      // The id alone is no event, but a client that is cut off before the first one resumes from here.
      void outlet.write(`retry: 1000\nid: ${after}\n\n`)
      sendEvents(rooms, { conversation, after }, outlet)
    },
  )
}

async function startOf(request: FastifyRequest, rooms: Rooms, conversation: string): Promise<number> {
  const { lastEventId, from } = checked(resume, request.query)
  const header = request.headers['last-event-id']
  if (header !== undefined && header !== '') return checked(sequence, header)
  if (lastEventId !== undefined) return lastEventId
  return from === 'start' ? 0 : currentSequence(rooms, conversation)
}

function sendEvents(rooms: Rooms, from: { conversation: string; after: number }, outlet: Outlet): void {
  if (outlet.gone.aborted || rooms.closing.aborted) {
    outlet.end()
    return
  }
  const end = follow(rooms, from, {
    onRows: rows => outlet.write(rows.map(row => frame('message', shown(row), row.sequence)).join('')),
    onLive({ kind, ...data }) {
      if (kind !== 'reply') void outlet.write(frame(kind, data))
    },
    onError(error) {
      rooms.parts.log.warn({ conversation: from.conversation, err: error }, 'a stream of events was cut')
      outlet.end()
    },
  })
  const heartbeat = setInterval(() => void outlet.write(': still here\n\n'), HEARTBEAT_MS)
  const stop = () => outlet.end()
  rooms.closing.addEventListener('abort', stop)
  outlet.gone.addEventListener('abort', () => {
    clearInterval(heartbeat)
    rooms.closing.removeEventListener('abort', stop)
    end()
  })
}

const frame = (event: string, data: object, id?: number): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
