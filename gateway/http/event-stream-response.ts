import type { FastifyReply } from 'fastify'

/** A response that is written bit by bit. */
export type Outlet = {
  /** Resolves when the client has taken it, or is gone. */
  write(text: string): Promise<void>
  /** Aborted when the client is gone. */
  gone: AbortSignal
  end(): void
  drop(): void
}

/** A client that leaves this much unread is dropped: it comes back and misses nothing. */
export const MAX_UNREAD_BYTES = 1024 * 1024

/** Takes the response out of fastify's hands; the headers that hooks have set stay. */
export function openOutlet(reply: FastifyReply, headers: Record<string, string>): Outlet {
  const gone = new AbortController()
  reply.hijack()
  const { raw } = reply
  raw.on('close', () => gone.abort())
  if (raw.destroyed) gone.abort()
  raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...headers })
  /** One for all who write while the client is slow. */
  let draining: Promise<void> | undefined
  return {
    gone: gone.signal,
    end: () => void raw.end(),
    drop: () => void raw.destroy(),
    write(text) {
      if (raw.destroyed || raw.writableEnded) return Promise.resolve()
      if (raw.writableLength > MAX_UNREAD_BYTES) raw.destroy()
      else if (!raw.write(text))
        draining ??= drained(raw).then(() => {
          draining = undefined
        })
      return draining ?? Promise.resolve()
    },
  }
}

const drained = (raw: FastifyReply['raw']): Promise<void> =>
  new Promise(resolve => {
    const done = () => {
      raw.off('drain', done).off('close', done)
      resolve()
    }
    raw.on('drain', done).on('close', done)
  })

export const EVENT_STREAM = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx holds answers back otherwise.
  'x-accel-buffering': 'no',
}
