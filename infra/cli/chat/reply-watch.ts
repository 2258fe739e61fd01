import { WebSocket } from 'undici'
import * as z from 'zod'
import { type GatewayAddress, type MessageRow, rowSchema } from '../gateway-client.ts'

/** The gateway's limit for one socket. */
const MAX_CONVERSATIONS_PER_SOCKET = 100
const MAX_SOCKETS = 20
const RECONNECT_DELAY_MS = 250

/** Follows many conversations over few connections. Each connection reopens by itself and resumes at its position. */
export type ReplyWatch = {
  /**
   * The conversation must have a message already. Its existing rows are reported first. Repeated calls have no effect.
   */
  watch(conversation: string): void
  unwatch(conversation: string): void
  close(): void
}

type WatchConnection = {
  socket: WebSocket | undefined
  /** The last reported sequence of each conversation. */
  sequences: Map<string, number>
}

const messageFrameSchema = z.object({
  type: z.literal('message'),
  conversation: z.string(),
  sequence: z.int(),
  message: rowSchema,
})

/** The gateway could not read a conversation and no longer follows it, although the socket stays open. */
const followErrorSchema = z.object({
  type: z.literal('error'),
  code: z.enum(['unavailable', 'failed', 'busy']),
})

/** `onRow` receives each new or changed row, each at least once. */
export function watchReplies(
  { url, token }: GatewayAddress,
  onRow: (conversation: string, row: MessageRow) => void,
): ReplyWatch {
  const connections: WatchConnection[] = []
  /** The position of each conversation, also while nothing watches it. */
  const positions = new Map<string, number>()
  const unassigned = new Set<string>()
  let isClosed = false

  const subscribe = ({ socket, sequences }: WatchConnection, conversation: string) => {
    if (socket?.readyState !== WebSocket.OPEN) return
    socket.send(JSON.stringify({ type: 'subscribe', conversation, after: sequences.get(conversation) }))
  }
  const receive = (connection: WatchConnection, data: string) => {
    const parsed: unknown = JSON.parse(data)
    if (followErrorSchema.safeParse(parsed).success) return connection.socket?.close()
    const frame = messageFrameSchema.safeParse(parsed)
    if (!frame.success) return
    const { conversation, sequence, message } = frame.data
    positions.set(conversation, sequence)
    if (connection.sequences.has(conversation)) connection.sequences.set(conversation, sequence)
    onRow(conversation, message)
  }
  const connect = (connection: WatchConnection) => {
    if (isClosed) return
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/api/socket`, {
      headers: { authorization: `Bearer ${token}` },
    })
    connection.socket = socket
    socket.addEventListener('open', () => {
      for (const conversation of connection.sequences.keys()) subscribe(connection, conversation)
    })
    socket.addEventListener('message', ({ data }) => receive(connection, String(data)))
    // The error does not matter here: after any end of a socket, the client opens it again.
    socket.addEventListener('error', () => socket.close())
    socket.addEventListener('close', () => setTimeout(connect, RECONNECT_DELAY_MS, connection), {
      once: true,
    })
  }
  const connectionWithCapacity = (): WatchConnection | undefined => {
    const found = connections.find(({ sequences }) => sequences.size < MAX_CONVERSATIONS_PER_SOCKET)
    if (found || connections.length >= MAX_SOCKETS) return found
    const connection: WatchConnection = { socket: undefined, sequences: new Map() }
    connections.push(connection)
    connect(connection)
    return connection
  }
  const assign = (conversation: string): boolean => {
    const connection = connectionWithCapacity()
    connection?.sequences.set(conversation, positions.get(conversation) ?? 0)
    if (connection) subscribe(connection, conversation)
    return connection !== undefined
  }

  return {
    watch(conversation) {
      if (unassigned.has(conversation) || connections.some(({ sequences }) => sequences.has(conversation)))
        return
      if (!assign(conversation)) unassigned.add(conversation)
    },
    unwatch(conversation) {
      unassigned.delete(conversation)
      const connection = connections.find(({ sequences }) => sequences.delete(conversation))
      if (!connection) return
      if (connection.socket?.readyState === WebSocket.OPEN)
        connection.socket.send(JSON.stringify({ type: 'unsubscribe', conversation }))
      const [next] = unassigned
      if (next !== undefined && assign(next)) unassigned.delete(next)
    },
    close() {
      isClosed = true
      for (const { socket } of connections) socket?.close()
    },
  }
}
