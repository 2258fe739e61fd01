import type { WebSocket } from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { LaresError, toLaresError } from '../../../shared/base/errors.ts'
import { checkConversationAccess } from '../../auth/membership.ts'
import type { GatewayContext } from '../../context.ts'
import { messageForClient, parseInput } from '../../http/error-responses.ts'
import { MAX_BUFFERED_BYTES } from '../../http/event-stream-response.ts'
import {
  conversationId,
  idempotencyKey,
  messageFields,
  requireContent,
  timeZone,
} from '../../http/message-fields.ts'
import { currentSequence, followConversation, toMessageView } from '../../live/history-follower.ts'
import type { MessageHandler } from '../channel.ts'
import { WEB_CHANNEL } from './messages.ts'

const HEARTBEAT_INTERVAL_MS = 30_000
/** The longest queue of frames; the gateway stops reading from the socket while the queue is full. */
const MAX_QUEUED_FRAMES = 16
const MAX_SUBSCRIPTIONS = 100

const clientFrame = z.discriminatedUnion('type', [
  requireContent(
    messageFields.extend({
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
type ClientFrame = z.infer<typeof clientFrame>

type Client = {
  person: string
  send(frame: object): Promise<void>
  subscriptions: Map<string, () => void>
  socket: WebSocket
}

/** GET /api/socket: the functions of the HTTP API as JSON frames in both directions. */
export function socketRoutes(app: FastifyInstance, context: GatewayContext, handler: MessageHandler): void {
  const handlers = createFrameHandlers(context, handler)
  app.get(
    '/api/socket',
    {
      websocket: true,
      exposeHeadRoute: false,
      onRequest: async ({ headers }) => {
        const { origin, host } = headers
        if (origin !== undefined && !context.authenticator.isAllowedOrigin(origin, host))
          throw new LaresError(
            'forbidden',
            `pages of ${origin} may not connect: see allowedOrigins in gateway.yaml`,
          )
      },
    },
    (socket, request) => {
      const client = openClient(socket, request.person)
      readFrames(socket, data => handleFrame(context, handlers, client, data))
      const stopHeartbeat = startHeartbeat(socket)
      const closeForShutdown = () => socket.close(1001, 'the gateway is stopping')
      context.closing.addEventListener('abort', closeForShutdown)
      socket.on('close', () => {
        stopHeartbeat()
        context.closing.removeEventListener('abort', closeForShutdown)
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
        if (socket.bufferedAmount > MAX_BUFFERED_BYTES) socket.terminate()
        socket.send(JSON.stringify(data), () => resolve())
      }),
  }
}

/** Answers frames in order, one at a time. */
function readFrames(socket: WebSocket, handleFrame: (data: string) => Promise<void>): void {
  let last = Promise.resolve()
  let queued = 0
  socket.on('message', data => {
    queued += 1
    if (queued >= MAX_QUEUED_FRAMES) socket.pause()
    last = last.then(async () => {
      await handleFrame(data.toString())
      queued -= 1
      if (socket.isPaused) socket.resume()
    })
  })
}

async function handleFrame(
  context: GatewayContext,
  handlers: FrameHandlers,
  client: Client,
  data: string,
): Promise<void> {
  /** The key and the conversation that the frame itself names. */
  let about: { key?: string | undefined; conversation?: string | undefined } = {}
  try {
    const request = parseInput(clientFrame, parseJson(data))
    about = request
    await handlers[request.type](client, request as never)
  } catch (error) {
    const problem = toLaresError(error)
    if (problem.status >= 500) context.options.log.error({ code: problem.code, err: error }, problem.message)
    const { code, retryAfterMs } = problem
    const { key, conversation } = about
    void client.send({
      type: 'error',
      code,
      message: messageForClient(problem),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(key && { key }),
      ...(conversation && { conversation }),
    })
  }
}

function parseJson(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch (cause) {
    throw new LaresError('invalid_request', `the frame is not JSON: ${(cause as Error).message}`, { cause })
  }
}

type FrameHandlers = ReturnType<typeof createFrameHandlers>

const createFrameHandlers = (context: GatewayContext, handler: MessageHandler) => ({
  async message({ person, send }: Client, asked: ClientFrame & { type: 'message' }) {
    const { type: _, ...incoming } = asked
    const { id, conversation } = await handler({ ...incoming, person, address: WEB_CHANNEL })
    void send({ type: 'accepted', id, conversation, ...(asked.key && { key: asked.key }) })
  },

  async subscribe(client: Client, { conversation, after }: ClientFrame & { type: 'subscribe' }) {
    const { subscriptions } = client
    await checkConversationAccess(context.options, conversation, client.person)
    if (!subscriptions.has(conversation) && subscriptions.size >= MAX_SUBSCRIPTIONS)
      throw new LaresError('busy', `a socket follows at most ${MAX_SUBSCRIPTIONS} conversations`)
    const from = after ?? (await currentSequence(context, conversation))
    subscriptions.get(conversation)?.()
    if (client.socket.readyState !== client.socket.OPEN) return
    void client.send({ type: 'subscribed', conversation, after: from })
    subscriptions.set(conversation, watchConversation(context, client, conversation, from))
  },

  async unsubscribe({ subscriptions }: Client, { conversation }: ClientFrame & { type: 'unsubscribe' }) {
    subscriptions.get(conversation)?.()
    subscriptions.delete(conversation)
  },
})

function watchConversation(
  context: GatewayContext,
  { send, socket }: Client,
  conversation: string,
  after: number,
): () => void {
  return followConversation(
    context,
    { conversation, after },
    {
      async onRows(rows) {
        await Promise.all(
          rows.map(row =>
            send({ type: 'message', conversation, sequence: row.sequence, message: toMessageView(row) }),
          ),
        )
      },
      onLive({ kind, ...data }) {
        if (kind !== 'reply') void send({ type: kind, conversation, ...data })
      },
      onError(error) {
        context.options.log.warn({ conversation, err: error }, 'a socket was cut')
        socket.close(1011, 'the history cannot be read: come back later')
      },
    },
  )
}

/** Closes the socket of a client that has not answered one ping by the next. */
function startHeartbeat(socket: WebSocket): () => void {
  let isAlive = true
  socket.on('pong', () => {
    isAlive = true
  })
  const timer = setInterval(() => {
    if (!isAlive) return socket.terminate()
    isAlive = false
    socket.ping()
  }, HEARTBEAT_INTERVAL_MS)
  return () => clearInterval(timer)
}
