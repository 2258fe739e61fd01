import type { WebSocket } from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { LaresError, toLaresError } from '../../shared/base/errors.ts'
import type { Rooms } from '../context.ts'
import { checkConversation } from '../ingress/intake.ts'
import { currentSequence, follow, shown } from '../live/history-follower.ts'
import { checked, wordsFor } from './error-responses.ts'
import { MAX_UNREAD_BYTES } from './event-stream-response.ts'
import { conversationId, idempotencyKey, spoken, timeZone, withWords } from './messages.ts'

const HEARTBEAT_MS = 30_000
/** Frames that wait for their turn; beyond it nothing more is read from the socket. */
const MAX_WAITING_FRAMES = 16
const MAX_SUBSCRIPTIONS = 100

const frame = z.discriminatedUnion('type', [
  withWords(
    spoken.extend({
      type: z.literal('message'),
      key: idempotencyKey.optional(),
      timeZone: timeZone.optional(),
    }),
  ),
  z.strictObject({
    type: z.literal('subscribe'),
    conversation: conversationId,
    after: z.int().nonnegative().optional(),
  }),
  z.strictObject({ type: z.literal('unsubscribe'), conversation: conversationId }),
])
type Frame = z.infer<typeof frame>

type Client = {
  person: string
  send(frame: object): Promise<void>
  subscriptions: Map<string, () => void>
  socket: WebSocket
}

/** GET /api/socket: what the HTTP API does, as JSON frames both ways. */
export function socketRoutes(app: FastifyInstance, rooms: Rooms): void {
  app.get(
    '/api/socket',
    {
      websocket: true,
      exposeHeadRoute: false,
      onRequest: async ({ headers }) => {
        const { origin, host } = headers
        if (origin !== undefined && !rooms.access.isOwnOrAllowed(origin, host))
          throw new LaresError(
            'forbidden',
            `pages of ${origin} may not connect: see allowedOrigins in gateway.yaml`,
          )
      },
    },
    (socket, request) => {
      const client = openClient(socket, request.person)
      readFrames(socket, data => answer(rooms, client, data))
      const stopHeartbeat = keepAlive(socket)
      const leave = () => socket.close(1001, 'the gateway is stopping')
      rooms.closing.addEventListener('abort', leave)
      socket.on('close', () => {
        stopHeartbeat()
        rooms.closing.removeEventListener('abort', leave)
        for (const end of client.subscriptions.values()) end()
      })
    },
  )
}

function openClient(socket: WebSocket, person: string): Client {
  return {
    person,
    socket,
    subscriptions: new Map(),
    send: data =>
      new Promise(resolve => {
        if (socket.bufferedAmount > MAX_UNREAD_BYTES) socket.terminate()
        socket.send(JSON.stringify(data), () => resolve())
      }),
  }
}

/** Frames are answered in order, one at a time. */
function readFrames(socket: WebSocket, answerFrame: (data: string) => Promise<void>): void {
  let last = Promise.resolve()
  let waiting = 0
  socket.on('message', data => {
    waiting += 1
    if (waiting >= MAX_WAITING_FRAMES) socket.pause()
    last = last.then(async () => {
      await answerFrame(data.toString())
      waiting -= 1
      if (socket.isPaused) socket.resume()
    })
  })
}

async function answer(rooms: Rooms, client: Client, data: string): Promise<void> {
  /** What the frame itself says it is about. */
  let about: { key?: string | undefined; conversation?: string | undefined } = {}
  try {
    const asked = checked(frame, parsed(data))
    about = asked
    await handlers[asked.type](rooms, client, asked as never)
  } catch (error) {
    const problem = toLaresError(error)
    if (problem.status >= 500) rooms.parts.log.error({ code: problem.code, err: error }, problem.message)
    const { code, retryAfterMs } = problem
    const { key, conversation } = about
    void client.send({
      type: 'error',
      code,
      message: wordsFor(problem),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(key && { key }),
      ...(conversation && { conversation }),
    })
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch (cause) {
    throw new LaresError('invalid_request', `the frame is not JSON: ${(cause as Error).message}`, { cause })
  }
}

const handlers = {
  async message(rooms: Rooms, { person, send }: Client, asked: Frame & { type: 'message' }) {
    const { type: _, ...incoming } = asked
    const { id, conversation } = await rooms.intake({ ...incoming, person, channel: 'socket' })
    void send({ type: 'accepted', id, conversation, ...(asked.key && { key: asked.key }) })
  },

  async subscribe(rooms: Rooms, client: Client, { conversation, after }: Frame & { type: 'subscribe' }) {
    const { subscriptions } = client
    await checkConversation(rooms.parts.conversations.history, conversation, client.person)
    if (!subscriptions.has(conversation) && subscriptions.size >= MAX_SUBSCRIPTIONS)
      throw new LaresError('busy', `a socket follows at most ${MAX_SUBSCRIPTIONS} conversations`)
    const from = after ?? (await currentSequence(rooms, conversation))
    subscriptions.get(conversation)?.()
    if (client.socket.readyState !== client.socket.OPEN) return
    void client.send({ type: 'subscribed', conversation, after: from })
    subscriptions.set(conversation, watch(rooms, client, conversation, from))
  },

  async unsubscribe(
    _rooms: Rooms,
    { subscriptions }: Client,
    { conversation }: Frame & { type: 'unsubscribe' },
  ) {
    subscriptions.get(conversation)?.()
    subscriptions.delete(conversation)
  },
}

function watch(rooms: Rooms, { send, socket }: Client, conversation: string, after: number): () => void {
  return follow(
    rooms,
    { conversation, after },
    {
      async onRows(rows) {
        await Promise.all(
          rows.map(row =>
            send({ type: 'message', conversation, sequence: row.sequence, message: shown(row) }),
          ),
        )
      },
      onLive({ kind, ...data }) {
        if (kind !== 'reply') void send({ type: kind, conversation, ...data })
      },
      onError(error) {
        rooms.parts.log.warn({ conversation, err: error }, 'a socket was cut')
        socket.close(1011, 'the history cannot be read: come back later')
      },
    },
  )
}

/** A client that has not answered one ping by the next is gone. */
function keepAlive(socket: WebSocket): () => void {
  let isAlive = true
  socket.on('pong', () => {
    isAlive = true
  })
  const timer = setInterval(() => {
    if (!isAlive) return socket.terminate()
    isAlive = false
    socket.ping()
  }, HEARTBEAT_MS)
  return () => clearInterval(timer)
}
