import type { FastifyReply } from 'fastify'

/** A response that is written bit by bit. */
export type EventStreamResponse = {
  /** Resolves when the client has taken it, or is gone. */
  write(text: string): Promise<void>
  /** Aborted when the client is gone. */
  disconnected: AbortSignal
  end(): void
  destroy(): void
}

/** A client that leaves this much unread is dropped: it comes back and misses nothing. */
export const MAX_BUFFERED_BYTES = 1024 * 1024

/** Takes the response out of fastify's hands; the headers that hooks have set stay. */
export function openEventStreamResponse(
  reply: FastifyReply,
  headers: Record<string, string>,
): EventStreamResponse {
  const disconnected = new AbortController()
  reply.hijack()
  const { raw } = reply
  raw.on('close', () => disconnected.abort())
  if (raw.destroyed) disconnected.abort()
  raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...headers })
  /** One for all who write while the client is slow. */
  let draining: Promise<void> | undefined
  return {
    disconnected: disconnected.signal,
    end: () => void raw.end(),
    destroy: () => void raw.destroy(),
    write(text) {
      if (raw.destroyed || raw.writableEnded) return Promise.resolve()
      if (raw.writableLength > MAX_BUFFERED_BYTES) raw.destroy()
      else if (!raw.write(text))
        draining ??= waitForDrain(raw).then(() => {
          draining = undefined
        })
      return draining ?? Promise.resolve()
    },
  }
}

const waitForDrain = (raw: FastifyReply['raw']): Promise<void> =>
  new Promise(resolve => {
    const done = () => {
      raw.off('drain', done).off('close', done)
      resolve()
    }
    raw.on('drain', done).on('close', done)
  })

export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx holds answers back otherwise.
  'x-accel-buffering': 'no',
}
