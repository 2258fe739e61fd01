import type { FastifyReply } from 'fastify'

/** A response that is written piece by piece. */
export type EventStreamResponse = {
  /** Resolves when the client has received the text or has disconnected. */
  write(text: string): Promise<void>
  /** Aborted when the client has disconnected. */
  disconnected: AbortSignal
  end(): void
  destroy(): void
}

/** The gateway drops a client with this many unread bytes. The client reconnects and misses nothing. */
export const MAX_BUFFERED_BYTES = 1024 * 1024

/** Takes the response over from fastify; the headers that hooks have set remain. */
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
  /** All writers share one wait while the client is slow. */
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
  // Without this header, nginx buffers answers.
  'x-accel-buffering': 'no',
}
