import { LaresError, toLaresError } from '../../../shared/base/errors.ts'
import { newId } from '../../../shared/contract/events/ids.ts'
import { accepted, type GatewayClient, isOver, persist, type Row, rows } from '../gateway-client.ts'
import { type Chunk, followConversation, type Stage } from './event-feed.ts'

/** How long a message is offered to a gateway that is away. */
const SAY_LIMIT_MS = 10 * 60_000
const REMEMBERED = 10

export type SessionEvents = {
  /** A row that somebody else made: the assistant by itself, or this person elsewhere. */
  onOther(row: Row): void
  onReply(row: Row): void
  onStage(stage: Stage): void
  onChunk(chunk: Chunk): void
  onLost(error: LaresError): void
  /** The connection is there again after it was lost. */
  onBack(): void
  /** The conversation cannot be followed any more. */
  onEnd(error: LaresError): void
}

/** One person's part in a conversation: what is said, and what comes back. */
export type Session = {
  conversation: string
  /** Resolves with the message's id when it is accepted; a gateway that is away is asked again. */
  say(text: string): Promise<string>
  /** The reply to a message; for one that was answered together with others, the reply to all of them. */
  reply(id: string): Promise<Row>
  close(): Promise<void>
}

/** Begins a conversation, or goes on with the one that is `given`, whose last rows are given as `before`. */
export async function openSession(
  client: GatewayClient,
  given: string | undefined,
  events: SessionEvents,
): Promise<Session & { before: Row[] }> {
  const conversation = given ?? newId()
  const known = given === undefined ? undefined : await lastRows(client, given)
  const before = known ?? []
  const stop = new AbortController()
  const replies = openReplies(before, events)
  let following: Promise<void> | undefined
  const follow = () => {
    following ??= startFeed(
      client,
      conversation,
      { ...events, onRow: replies.take },
      {
        fromStart: known === undefined,
        signal: stop.signal,
      },
    )
  }
  if (known) follow()
  let last: Promise<unknown> = Promise.resolve()
  return {
    conversation,
    before,
    say(text) {
      const saying = last.then(() =>
        replies.duringSaying(() => sayOnce(client, conversation, text, stop.signal, events)),
      )
      // A new conversation is not there before its first message is.
      last = saying.then(follow, () => undefined)
      return saying
    },
    reply: id => replies.expect(id),
    async close() {
      stop.abort()
      await following
    },
  }
}

/** Undefined when there is no such conversation yet. */
async function lastRows(client: GatewayClient, conversation: string): Promise<Row[] | undefined> {
  const path = `/api/conversations/${encodeURIComponent(conversation)}/messages?limit=${REMEMBERED}`
  try {
    return (await client.ask(path, rows)).messages
  } catch (error) {
    if (error instanceof LaresError && error.code === 'not_found') return undefined
    throw error
  }
}

type FeedEvents = SessionEvents & { onRow(row: Row): void }

async function startFeed(
  client: GatewayClient,
  conversation: string,
  events: FeedEvents,
  start: { fromStart: boolean; signal: AbortSignal },
): Promise<void> {
  let lost = false
  const onOpen = () => {
    if (lost) events.onBack()
    lost = false
  }
  const onLost = (error: LaresError) => {
    if (!lost) events.onLost(error)
    lost = true
  }
  await followConversation(client, conversation, { ...events, onOpen, onLost }, start).catch(error =>
    events.onEnd(toLaresError(error)),
  )
}

/** The key makes it safe to say it again when nobody heard whether it was taken. */
async function sayOnce(
  client: GatewayClient,
  conversation: string,
  text: string,
  signal: AbortSignal,
  { onLost, onBack }: SessionEvents,
): Promise<string> {
  const headers = {
    'idempotency-key': newId(),
    'x-lares-time-zone': Intl.DateTimeFormat().resolvedOptions().timeZone,
  }
  const body = { conversation, text }
  let lost = false
  const onRetry = (error: LaresError) => {
    if (!lost) onLost(error)
    lost = true
  }
  const { id } = await persist(
    () => client.ask('/api/messages', accepted, { method: 'POST', body, headers, signal }),
    { limitMs: SAY_LIMIT_MS, signal, onRetry },
  )
  if (lost) onBack()
  return id
}

/** Tells the replies to our messages from other rows, each once. */
function openReplies(before: Row[], events: Pick<SessionEvents, 'onReply' | 'onOther'>) {
  const expected = new Map<string, PromiseWithResolvers<Row>>()
  const seen = new Set(before.map(({ id }) => id))
  const since = before.at(-1)?.createdAt ?? ''
  /** Answered, and the reply has not been seen: it stands under a message that came with it. */
  const over = new Set<string>()
  /** While a message is on its way, its id is not known, so what comes back cannot be told apart. */
  let held: Row[] | undefined

  const takeReply = (row: Row) => {
    const mine = [...over, row.inReplyTo ?? ''].filter(id => expected.has(id))
    over.clear()
    if (mine.length === 0 && row.createdAt >= since) events.onOther(row)
    if (mine.length > 0) events.onReply(row)
    for (const id of mine) expected.get(id)!.resolve(row)
  }
  const expect = (id: string): Promise<Row> => {
    const known = expected.get(id) ?? Promise.withResolvers<Row>()
    expected.set(id, known)
    seen.add(id)
    return known.promise
  }
  const take = (row: Row) => {
    if (held) return void held.push(row)
    if (row.role === 'user' && isOver(row.status)) over.add(row.id)
    if (seen.has(row.id)) return
    seen.add(row.id)
    if (row.role === 'assistant') takeReply(row)
    else if (row.createdAt >= since) events.onOther(row)
  }
  return {
    expect,
    take,
    async duringSaying(say: () => Promise<string>): Promise<string> {
      held = []
      try {
        const id = await say()
        void expect(id)
        return id
      } finally {
        const rows = held
        held = undefined
        for (const row of rows) take(row)
      }
    },
  }
}
