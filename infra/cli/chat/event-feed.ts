import { setTimeout as wait } from 'node:timers/promises'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import * as z from 'zod'
import { type LaresError, toLaresError } from '../../../shared/base/errors.ts'
import { errorFromResponse, type GatewayClient, type MessageRow, rowSchema } from '../gateway-client.ts'

const RECONNECT_DELAY_MS = 1_000
/** The gateway says every 15 s that it is there. */
const SILENCE_TIMEOUT_MS = 40_000

const stageSchema = z.object({ message: z.string(), stage: z.string(), skill: z.string().optional() })
export type StageUpdate = z.infer<typeof stageSchema>

const chunkSchema = z.object({ message: z.string(), offset: z.int(), text: z.string() })
export type TextChunk = z.infer<typeof chunkSchema>

export type FeedHandlers = {
  /** New or changed; each at least once. */
  onRow(row: MessageRow): void
  onStage(stage: StageUpdate): void
  onChunk(chunk: TextChunk): void
  /** Connected, for the first time or again. */
  onOpen(): void
  /** The connection is lost and tried again. */
  onDisconnected(error: LaresError): void
}

export type FeedOptions = {
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

/** Until the connection ends. */
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
