import type { FastifyInstance, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { checkConversationAccess } from '../auth/membership.ts'
import type { GatewayContext } from '../context.ts'
import { currentSequence, followConversation, toMessageView } from '../live/history-follower.ts'
import { parseInput } from './error-responses.ts'
import {
  EVENT_STREAM_HEADERS,
  type EventStreamResponse,
  openEventStreamResponse,
} from './event-stream-response.ts'

const HEARTBEAT_INTERVAL_MS = 15_000

const eventId = z
  .string()
  .regex(/^\d{1,15}$/, 'the id of an event of this stream')
  .transform(Number)
const resumeQuery = z.strictObject({ lastEventId: eventId.optional(), from: z.literal('start').optional() })

/**
 * GET /api/conversations/:id/events: server-sent events, resumed by Last-Event-ID.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function eventStreamRoutes(app: FastifyInstance, context: GatewayContext): void {
  app.get<{ Params: { id: string } }>(
    '/api/conversations/:id/events',
    { exposeHeadRoute: false },
    async (request, reply) => {
      const conversation = request.params.id
      await checkConversationAccess(context.options, conversation, request.person)
      const after = await startSequence(request, context, conversation)
      const stream = openEventStreamResponse(reply, EVENT_STREAM_HEADERS)
      // The id alone is not an event, but a client that is cut off before the first event resumes from it.
      void stream.write(`retry: 1000\nid: ${after}\n\n`)
      streamEvents(context, { conversation, after }, stream)
    },
  )
}

async function startSequence(
  request: FastifyRequest,
  context: GatewayContext,
  conversation: string,
): Promise<number> {
  const { lastEventId, from } = parseInput(resumeQuery, request.query)
  const header = request.headers['last-event-id']
  if (header !== undefined && header !== '') return parseInput(eventId, header)
  if (lastEventId !== undefined) return lastEventId
  return from === 'start' ? 0 : currentSequence(context, conversation)
}

function streamEvents(
  context: GatewayContext,
  position: { conversation: string; after: number },
  stream: EventStreamResponse,
): void {
  if (stream.disconnected.aborted || context.closing.aborted) {
    stream.end()
    return
  }
  const unfollow = followConversation(context, position, {
    onRows: rows =>
      stream.write(rows.map(row => sseFrame('message', toMessageView(row), row.sequence)).join('')),
    onLive({ kind, ...data }) {
      if (kind !== 'reply') void stream.write(sseFrame(kind, data))
    },
    onError(error) {
      context.options.log.warn(
        { conversation: position.conversation, err: error },
        'a stream of events was cut',
      )
      stream.end()
    },
  })
  const heartbeat = setInterval(() => void stream.write(': still here\n\n'), HEARTBEAT_INTERVAL_MS)
  const stop = () => stream.end()
  context.closing.addEventListener('abort', stop)
  stream.disconnected.addEventListener('abort', () => {
    clearInterval(heartbeat)
    context.closing.removeEventListener('abort', stop)
    unfollow()
  })
}

const sseFrame = (event: string, data: object, id?: number): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
