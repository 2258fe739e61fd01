import { WebSocket } from 'undici'
import * as z from 'zod'
import { type Address, type Row, row } from '../gateway-client.ts'

/** What the gateway lets one socket follow. */
const ROOMS_PER_SOCKET = 100
const MAX_SOCKETS = 20
const AGAIN_MS = 250

/** Follows many conversations over few connections, each of which comes back by itself and resumes where it was. */
export type ReplyWatch = {
  /** The conversation must have a message already; rows it had before are told first. Repeated calls are free. */
  watch(conversation: string): void
  unwatch(conversation: string): void
  close(): void
}

type Line = {
  socket: WebSocket | undefined
  /** The conversations with the sequence up to which each was told. */
  rooms: Map<string, number>
}

const told = z.object({
  type: z.literal('message'),
  conversation: z.string(),
  sequence: z.int(),
  message: row,
})

/** A conversation that could not be looked at just now is not followed from then on, though the socket stays. */
const notFollowed = z.object({ type: z.literal('error'), code: z.enum(['unavailable', 'failed', 'busy']) })

/** `onRow` is told each new or changed row, each at least once. */
export function watchReplies(
  { url, token }: Address,
  onRow: (conversation: string, row: Row) => void,
): ReplyWatch {
  const lines: Line[] = []
  /** Where each conversation left off, also while nobody watches it. */
  const positions = new Map<string, number>()
  const waiting = new Set<string>()
  let closed = false

  const subscribe = ({ socket, rooms }: Line, conversation: string) => {
    if (socket?.readyState !== WebSocket.OPEN) return
    socket.send(JSON.stringify({ type: 'subscribe', conversation, after: rooms.get(conversation) }))
  }
  const receive = (line: Line, data: string) => {
    const given: unknown = JSON.parse(data)
    if (notFollowed.safeParse(given).success) return line.socket?.close()
    const frame = told.safeParse(given)
    if (!frame.success) return
    const { conversation, sequence, message } = frame.data
    positions.set(conversation, sequence)
    if (line.rooms.has(conversation)) line.rooms.set(conversation, sequence)
    onRow(conversation, message)
  }
  const connect = (line: Line) => {
    if (closed) return
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/api/socket`, {
      headers: { authorization: `Bearer ${token}` },
    })
    line.socket = socket
    socket.addEventListener('open', () => {
      for (const conversation of line.rooms.keys()) subscribe(line, conversation)
    })
    socket.addEventListener('message', ({ data }) => receive(line, String(data)))
    // What was wrong is of no use here: whichever way a socket ends, it is opened again.
    socket.addEventListener('error', () => socket.close())
    socket.addEventListener('close', () => setTimeout(connect, AGAIN_MS, line), { once: true })
  }
  const lineWithRoom = (): Line | undefined => {
    const found = lines.find(({ rooms }) => rooms.size < ROOMS_PER_SOCKET)
    if (found || lines.length >= MAX_SOCKETS) return found
    const line: Line = { socket: undefined, rooms: new Map() }
    lines.push(line)
    connect(line)
    return line
  }
  const place = (conversation: string): boolean => {
    const line = lineWithRoom()
    line?.rooms.set(conversation, positions.get(conversation) ?? 0)
    if (line) subscribe(line, conversation)
    return line !== undefined
  }

  return {
    watch(conversation) {
      if (waiting.has(conversation) || lines.some(({ rooms }) => rooms.has(conversation))) return
      if (!place(conversation)) waiting.add(conversation)
    },
    unwatch(conversation) {
      waiting.delete(conversation)
      const line = lines.find(({ rooms }) => rooms.delete(conversation))
      if (!line) return
      if (line.socket?.readyState === WebSocket.OPEN)
        line.socket.send(JSON.stringify({ type: 'unsubscribe', conversation }))
      const [next] = waiting
      if (next !== undefined && place(next)) waiting.delete(next)
    },
    close() {
      closed = true
      for (const { socket } of lines) socket?.close()
    },
  }
}
