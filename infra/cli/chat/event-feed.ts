import { setTimeout as wait } from 'node:timers/promises'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import * as z from 'zod'
import { type LaresError, toLaresError } from '../../../shared/base/errors.ts'
import { type GatewayClient, type Row, refusal, row } from '../gateway-client.ts'

const AGAIN_MS = 1_000
/** The gateway says every 15 s that it is there. */
const SILENCE_LIMIT_MS = 40_000

const stage = z.object({ message: z.string(), stage: z.string(), skill: z.string().optional() })
export type Stage = z.infer<typeof stage>

const chunk = z.object({ message: z.string(), offset: z.int(), text: z.string() })
export type Chunk = z.infer<typeof chunk>

export type FeedEvents = {
  /** New or changed; each at least once. */
  onRow(row: Row): void
  onStage(stage: Stage): void
  onChunk(chunk: Chunk): void
  /** Connected, for the first time or again. */
  onOpen(): void
  /** The connection is lost and tried again. */
  onLost(error: LaresError): void
}

export type FeedStart = {
  /** Tells all rows that the conversation has, and not only what comes from now on. */
  fromStart: boolean
  signal: AbortSignal
}

/**
 * Follows a conversation and comes back by itself, where it was. Resolves when the signal is aborted.
 * Errors: those that coming back cannot help, such as `not_found`.
 */
export async function followConversation(
  client: GatewayClient,
  conversation: string,
  events: FeedEvents,
  { fromStart, signal }: FeedStart,
): Promise<void> {
  let lastEventId = ''
  const parser = createParser({
    onId: id => {
      lastEventId = id
    },
    onEvent: event => tell(events, event),
  })
  const path = `/api/conversations/${encodeURIComponent(conversation)}/events${fromStart ? '?from=start' : ''}`
  while (!signal.aborted) {
    try {
      await readOnce(client, path, { lastEventId, signal, onOpen: events.onOpen, feed: parser.feed })
    } catch (thrown) {
      const error = toLaresError(thrown)
      if (signal.aborted) return
      if (!error.retryable) throw error
      events.onLost(error)
    }
    parser.reset()
    await wait(AGAIN_MS, undefined, { signal }).catch(() => undefined)
  }
}

type Reading = {
  lastEventId: string
  signal: AbortSignal
  onOpen(): void
  feed(text: string): void
}

/** Until the connection ends. */
async function readOnce(client: GatewayClient, path: string, reading: Reading): Promise<void> {
  const silence = new AbortController()
  const watchdog = setTimeout(() => silence.abort(), SILENCE_LIMIT_MS)
  const response = await client.fetch(path, {
    headers: reading.lastEventId ? { 'last-event-id': reading.lastEventId } : {},
    signal: AbortSignal.any([reading.signal, silence.signal]),
  })
  try {
    if (!response.ok) throw refusal(client.url, response, await response.text())
    reading.onOpen()
    for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
      watchdog.refresh()
      reading.feed(text)
    }
  } finally {
    clearTimeout(watchdog)
  }
}

function tell(events: FeedEvents, { event, data }: EventSourceMessage): void {
  const value: unknown = JSON.parse(data)
  if (event === 'message') events.onRow(row.parse(value))
  else if (event === 'stage') events.onStage(stage.parse(value))
  else if (event === 'stream') events.onChunk(chunk.parse(value))
}
