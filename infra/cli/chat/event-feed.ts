import { setTimeout as wait } from 'node:timers/promises'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import * as z from 'zod'
import { type LaresError, toLaresError } from '../../../shared/base/errors.ts'
import { errorFromResponse, type GatewayClient, type MessageRow, rowSchema } from '../gateway-client.ts'

const RECONNECT_DELAY_MS = 1_000
/** The time without data after which the connection counts as lost. The gateway sends a heartbeat every 15 s. */
const SILENCE_TIMEOUT_MS = 40_000

const stageSchema = z.object({ message: z.string(), stage: z.string(), skill: z.string().optional() })
export type StageUpdate = z.infer<typeof stageSchema>

const chunkSchema = z.object({ message: z.string(), offset: z.int(), text: z.string() })
export type TextChunk = z.infer<typeof chunkSchema>

export type FeedHandlers = {
  /** A new or changed row; each arrives at least once. */
  onRow(row: MessageRow): void
  onStage(stage: StageUpdate): void
  onChunk(chunk: TextChunk): void
  /** The connection is open, for the first time or again. */
  onOpen(): void
  /** The connection is lost; the client reconnects. */
  onDisconnected(error: LaresError): void
}

export type FeedOptions = {
  /** Reports all rows of the conversation, and not only new ones. */
  fromStart: boolean
  signal: AbortSignal
}

/**
 * Follows a conversation, and reconnects by itself at the last position. Resolves when the signal is aborted.
 * Errors: those that a reconnection cannot solve, such as `not_found`.
 */
export async function followConversation(
  client: GatewayClient,
  conversation: string,
  handlers: FeedHandlers,
  { fromStart, signal }: FeedOptions,
): Promise<void> {
  let lastEventId = ''
  const parser = createParser({
    onId: id => {
      lastEventId = id
    },
    onEvent: event => dispatchEvent(handlers, event),
  })
  const path = `/api/conversations/${encodeURIComponent(conversation)}/events${fromStart ? '?from=start' : ''}`
  while (!signal.aborted) {
    try {
      await readStream(client, path, { lastEventId, signal, onOpen: handlers.onOpen, feed: parser.feed })
    } catch (thrown) {
      const error = toLaresError(thrown)
      if (signal.aborted) return
      if (!error.retryable) throw error
      handlers.onDisconnected(error)
    }
    parser.reset()
    await wait(RECONNECT_DELAY_MS, undefined, { signal }).catch(() => undefined)
  }
}

type StreamReadOptions = {
  lastEventId: string
  signal: AbortSignal
  onOpen(): void
  feed(text: string): void
}

/** Reads until the connection ends. */
async function readStream(client: GatewayClient, path: string, options: StreamReadOptions): Promise<void> {
  const silence = new AbortController()
  const watchdog = setTimeout(() => silence.abort(), SILENCE_TIMEOUT_MS)
  const response = await client.fetch(path, {
    headers: options.lastEventId ? { 'last-event-id': options.lastEventId } : {},
    signal: AbortSignal.any([options.signal, silence.signal]),
  })
  try {
    if (!response.ok) throw errorFromResponse(client.url, response, await response.text())
    options.onOpen()
    for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
      watchdog.refresh()
      options.feed(text)
    }
  } finally {
    clearTimeout(watchdog)
  }
}

function dispatchEvent(handlers: FeedHandlers, { event, data }: EventSourceMessage): void {
  const value: unknown = JSON.parse(data)
  if (event === 'message') handlers.onRow(rowSchema.parse(value))
  else if (event === 'stage') handlers.onStage(stageSchema.parse(value))
  else if (event === 'stream') handlers.onChunk(chunkSchema.parse(value))
}
