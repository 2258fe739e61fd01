import { LaresError, toLaresError } from '../../../shared/base/errors.ts'
import { newId } from '../../../shared/contract/events/ids.ts'
import {
  acceptedSchema,
  type GatewayClient,
  hasTurnEnded,
  type MessageRow,
  rowsSchema,
  withRetry,
} from '../gateway-client.ts'
import { followConversation, type StageUpdate, type TextChunk } from './event-feed.ts'

/** The time for which the client retries a message while the gateway is unreachable. */
const SEND_TIMEOUT_MS = 10 * 60_000
const SHOWN_HISTORY_ROWS = 10

export type SessionHandlers = {
  /** A row from outside this session: the assistant started it, or this person wrote it elsewhere. */
  onOther(row: MessageRow): void
  onReply(row: MessageRow): void
  onStage(stage: StageUpdate): void
  onChunk(chunk: TextChunk): void
  onDisconnected(error: LaresError): void
  /** The connection is back after a loss. */
  onReconnected(): void
  /** The session can no longer follow the conversation. */
  onEnd(error: LaresError): void
}

/** A person's session in a conversation: it sends messages and receives replies. */
export type ChatSession = {
  conversation: string
  /**
   * Resolves with the message's id when the gateway accepts it. The client retries while the gateway is unreachable.
   */
  send(text: string): Promise<string>
  /** The reply to a message. Messages that were merged get the same reply. */
  waitForReply(id: string): Promise<MessageRow>
  close(): Promise<void>
}

/** Starts a conversation, or continues `requestedConversation` and returns its last rows as `before`. */
export async function openChatSession(
  client: GatewayClient,
  requestedConversation: string | undefined,
  handlers: SessionHandlers,
): Promise<ChatSession & { before: MessageRow[] }> {
  const conversation = requestedConversation ?? newId()
  const existingRows =
    requestedConversation === undefined ? undefined : await fetchRecentRows(client, requestedConversation)
  const before = existingRows ?? []
  const stop = new AbortController()
  const replies = createReplyTracker(before, handlers)
  let following: Promise<void> | undefined
  const startFollowing = () => {
    following ??= followWithNotices(
      client,
      conversation,
      { ...handlers, onRow: replies.take },
      {
        fromStart: existingRows === undefined,
        signal: stop.signal,
      },
    )
  }
  if (existingRows) startFollowing()
  let lastSend: Promise<unknown> = Promise.resolve()
  return {
    conversation,
    before,
    send(text) {
      const sending = lastSend.then(() =>
        replies.duringSaying(() => sendMessage(client, conversation, text, stop.signal, handlers)),
      )
      // A new conversation does not exist before its first message.
      lastSend = sending.then(startFollowing, () => undefined)
      return sending
    },
    waitForReply: id => replies.expect(id),
    async close() {
      stop.abort()
      await following
    },
  }
}

/** Undefined when the conversation does not exist yet. */
async function fetchRecentRows(
  client: GatewayClient,
  conversation: string,
): Promise<MessageRow[] | undefined> {
  const path = `/api/conversations/${encodeURIComponent(conversation)}/messages?limit=${SHOWN_HISTORY_ROWS}`
  try {
    return (await client.request(path, rowsSchema)).messages
  } catch (error) {
    if (error instanceof LaresError && error.code === 'not_found') return undefined
    throw error
  }
}

type SessionFeedHandlers = SessionHandlers & { onRow(row: MessageRow): void }

async function followWithNotices(
  client: GatewayClient,
  conversation: string,
  handlers: SessionFeedHandlers,
  start: { fromStart: boolean; signal: AbortSignal },
): Promise<void> {
  let isDisconnected = false
  const onOpen = () => {
    if (isDisconnected) handlers.onReconnected()
    isDisconnected = false
  }
  const onDisconnected = (error: LaresError) => {
    if (!isDisconnected) handlers.onDisconnected(error)
    isDisconnected = true
  }
  await followConversation(client, conversation, { ...handlers, onOpen, onDisconnected }, start).catch(
    error => handlers.onEnd(toLaresError(error)),
  )
}

/** The idempotency key makes a retry safe when the client does not know whether the gateway accepted the message. */
async function sendMessage(
  client: GatewayClient,
  conversation: string,
  text: string,
  signal: AbortSignal,
  { onDisconnected, onReconnected }: SessionHandlers,
): Promise<string> {
  const headers = {
    'idempotency-key': newId(),
    'x-lares-time-zone': Intl.DateTimeFormat().resolvedOptions().timeZone,
  }
  const body = { conversation, text }
  let isDisconnected = false
  const onRetry = (error: LaresError) => {
    if (!isDisconnected) onDisconnected(error)
    isDisconnected = true
  }
  const { id } = await withRetry(
    () => client.request('/api/messages', acceptedSchema, { method: 'POST', body, headers, signal }),
    { timeoutMs: SEND_TIMEOUT_MS, signal, onRetry },
  )
  if (isDisconnected) onReconnected()
  return id
}

/** Separates the replies to this session's messages from other rows, and reports each row once. */
function createReplyTracker(before: MessageRow[], handlers: Pick<SessionHandlers, 'onReply' | 'onOther'>) {
  const pendingReplies = new Map<string, PromiseWithResolvers<MessageRow>>()
  const seen = new Set(before.map(({ id }) => id))
  const since = before.at(-1)?.createdAt ?? ''
  /** Messages whose turn has ended and whose reply has not arrived: it answers a message that was merged with them. */
  const endedWithoutReply = new Set<string>()
  /** Rows that arrive during a send. The message's id is not known yet, so the session cannot assign them. */
  let bufferedRows: MessageRow[] | undefined

  const handleReply = (row: MessageRow) => {
    const ownMessages = [...endedWithoutReply, row.inReplyTo ?? ''].filter(id => pendingReplies.has(id))
    endedWithoutReply.clear()
    if (ownMessages.length === 0 && row.createdAt >= since) handlers.onOther(row)
    if (ownMessages.length > 0) handlers.onReply(row)
    for (const id of ownMessages) pendingReplies.get(id)!.resolve(row)
  }
  const waitForReply = (id: string): Promise<MessageRow> => {
    const known = pendingReplies.get(id) ?? Promise.withResolvers<MessageRow>()
    pendingReplies.set(id, known)
    seen.add(id)
    return known.promise
  }
  const handleRow = (row: MessageRow) => {
    if (bufferedRows) return void bufferedRows.push(row)
    if (row.role === 'user' && hasTurnEnded(row.status)) endedWithoutReply.add(row.id)
    if (seen.has(row.id)) return
    seen.add(row.id)
    if (row.role === 'assistant') handleReply(row)
    else if (row.createdAt >= since) handlers.onOther(row)
  }
  return {
    expect: waitForReply,
    take: handleRow,
    async duringSaying(say: () => Promise<string>): Promise<string> {
      bufferedRows = []
      try {
        const id = await say()
        void waitForReply(id)
        return id
      } finally {
        const rows = bufferedRows
        bufferedRows = undefined
        for (const row of rows) handleRow(row)
      }
    },
  }
}
