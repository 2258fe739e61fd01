import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { percentiles } from './statistics.ts'

export type LoadOptions = {
  port: number
  /** The whole request, as it goes over the wire. */
  request: Buffer
  connections: number
  durationMs: number
}

export type LoadResult = { requestsPerSecond: number; p50Ms: number; p99Ms: number }

const HEAD_END = Buffer.from('\r\n\r\n')

/**
 * Sends the same request repeatedly on persistent connections, each with one request in flight. It reads only an
 * answer's status and its end, so it costs far less than any server that it measures. Errors: any status but 200.
 */
export async function generateLoad({
  port,
  request,
  connections,
  durationMs,
}: LoadOptions): Promise<LoadResult> {
  const latencies: number[] = []
  const until = performance.now() + durationMs
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: connections }, () => sendRepeatedly(port, request, until, latencies)),
  )
  const seconds = (performance.now() - startedAt) / 1_000
  const { p50, p99 } = percentiles(latencies)
  return { requestsPerSecond: latencies.length / seconds, p50Ms: p50, p99Ms: p99 }
}

async function sendRepeatedly(
  port: number,
  request: Buffer,
  until: number,
  latencies: number[],
): Promise<void> {
  const socket = connect(port, '127.0.0.1').setNoDelay()
  await once(socket, 'connect')
  await new Promise<void>((resolve, reject) => {
    let sentAt = performance.now()
    let received = Buffer.alloc(0)
    socket.on('error', reject)
    socket.on('data', data => {
      received = received.length === 0 ? data : Buffer.concat([received, data])
      const size = responseSize(received)
      if (size === undefined || received.length < size) return
      received = Buffer.alloc(0)
      const now = performance.now()
      latencies.push(now - sentAt)
      if (now >= until) return resolve(close(socket))
      sentAt = now
      socket.write(request)
    })
    socket.write(request)
  })
}

const close = (socket: Socket): void => void socket.destroy()

/** Head and body of an answer in bytes; undefined until its head is there. */
function responseSize(received: Buffer): number | undefined {
  const headEnd = received.indexOf(HEAD_END)
  if (headEnd < 0) return undefined
  const head = received.toString('latin1', 0, headEnd)
  if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(`the server answered ${head.split('\r\n', 1)[0]}`)
  return headEnd + HEAD_END.length + Number(/content-length: (\d+)/i.exec(head)![1])
}
