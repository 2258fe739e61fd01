import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { authorStackOf, LaresError, toLaresError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { createServer } from '../base/node-http.ts'
import { METRICS_CONTENT_TYPE, type Metrics } from '../observability/metrics.ts'
import type { LaresEvent } from './events/event.ts'
import {
  BATCH_MEDIA_TYPE,
  eventFromHttp,
  eventToHttp,
  NDJSON_MEDIA_TYPE,
  TARGET_FUNCTION_HEADER,
  toJson,
} from './events/http-binding.ts'
import type { Invocable } from './invoke.ts'

/** Node's default address; where IPv6 is missing, Node takes 0.0.0.0 instead. Images use this address. */
const ANY_ADDRESS = '::'
export const MAX_BODY_BYTES = 1024 * 1024

export type ServeOptions = {
  port: number
  host?: string
  maxBodyBytes?: number
  drainTimeoutMs?: number
  /** The metrics for /_/metrics; without them, the page does not exist. */
  metrics?: Pick<Metrics, 'page'>
  log: Logger
}

export type RunningFunction = {
  port: number
  /**
   * Refuses new events (503) and lets running ones finish. After `drainTimeoutMs` (default 30,000) it aborts them. Then
   * it closes every connection and runs `destroy`.
   */
  drain(): Promise<void>
}

type ServerState = {
  phase: 'starting' | 'ready' | 'draining'
  /** Unfinished answers, each with its abort controller. */
  running: Map<ServerResponse, AbortController>
  onIdle: () => void
}

/**
 * Serves a function over HTTP. POST / takes one CloudEvent and answers with none (204), one (200, binary) or several
 * (batch). When the Accept header asks for it, the answer is a stream of events (NDJSON). The server also answers GET
 * /_/health, /_/ready, /_/manifest and /_/metrics. It uses bare node:http, because people notice a container's start
 * time. Errors: `unavailable` when the port cannot be listened on, and errors of the author's `init`.
 */
export async function serve(invocable: Invocable, options: ServeOptions): Promise<RunningFunction> {
  const state: ServerState = { phase: 'starting', running: new Map(), onIdle: () => undefined }
  const server = createServer((request, response) => {
    // A client that keeps this connection shall reach the next process on a new one.
    if (state.phase === 'draining') response.setHeader('connection', 'close')
    route(invocable, state, options, request, response).catch(error => {
      options.log.error({ err: error }, 'an answer could not be sent')
      response.destroy()
    })
  })
  // A connector keeps its connections open. Without this setting, Node would close them between two events.
  server.keepAliveTimeout = 60_000
  await listen(server, options)
  try {
    await invocable.start()
  } catch (error) {
    await closeServer(server)
    throw error
  }
  state.phase = 'ready'
  return {
    port: (server.address() as { port: number }).port,
    async drain() {
      state.phase = 'draining'
      await finishRunning(state, options.drainTimeoutMs ?? 30_000)
      await closeServer(server)
      await invocable.stop()
    },
  }
}

const listen = (server: Server, { port, host = '127.0.0.1' }: ServeOptions) =>
  new Promise<void>((resolve, reject) => {
    server.once('error', cause =>
      reject(
        new LaresError(
          'unavailable',
          `${host}:${port} cannot be listened on: ${cause.message}; choose another port`,
          { cause },
        ),
      ),
    )
    // Node would look up an explicit address like a name, which takes 4 ms of a start.
    server.listen(port, host === ANY_ADDRESS ? undefined : host, resolve)
  })

/**
 * Waits for running answers before it closes the server: Node's own close ends connections whose answer is written but
 * not yet sent.
 */
async function finishRunning(state: ServerState, timeoutMs: number): Promise<void> {
  if (state.running.size === 0) return
  const timer = setTimeout(() => {
    for (const [response, controller] of state.running) {
      controller.abort()
      response.destroy()
    }
  }, timeoutMs)
  await new Promise<void>(resolve => {
    state.onIdle = resolve
  })
  clearTimeout(timer)
}

const closeServer = (server: Server) =>
  new Promise<void>(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

async function route(
  invocable: Invocable,
  state: ServerState,
  options: ServeOptions,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const path = request.url?.split('?', 1)[0]
  const isReady = state.phase === 'ready'
  if (path === '/_/health') return sendJson(response, 200, { status: 'ok' })
  if (path === '/_/ready') return sendJson(response, isReady ? 200 : 503, { ready: isReady })
  if (path === '/_/manifest') return sendJson(response, 200, invocable.manifest)
  if (path === '/_/metrics' && options.metrics) return sendMetrics(response, await options.metrics.page())
  if (path !== '/')
    return sendError(
      response,
      new LaresError('not_found', `there is nothing at ${path}; events are posted to /`),
    )
  if (request.method !== 'POST') {
    response.setHeader('allow', 'POST')
    return sendJson(response, 405, { error: { code: 'invalid_request', message: 'events are posted' } })
  }
  const targetFunction = request.headers[TARGET_FUNCTION_HEADER]
  const { name } = invocable.manifest
  if (targetFunction !== undefined && targetFunction !== name)
    return sendError(response, new LaresError('misdirected', `this is ${name}, not ${targetFunction}`))
  if (!isReady)
    return sendError(
      response,
      new LaresError('unavailable', `the function is ${state.phase}`, { retryAfterMs: 1_000 }),
    )
  await handleEvent(invocable, state, options, request, response)
}

async function handleEvent(
  invocable: Invocable,
  state: ServerState,
  options: ServeOptions,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const controller = new AbortController()
  state.running.set(response, controller)
  response.once('close', () => {
    // Aborting costs more than the rest of an invocation, and no caller waits for one that has ended.
    if (!response.writableFinished) controller.abort()
    state.running.delete(response)
    if (state.running.size === 0) state.onIdle()
  })
  try {
    const event = eventFromHttp(
      request.headers,
      await readBody(request, options.maxBodyBytes ?? MAX_BODY_BYTES),
    )
    const events = invocable.invoke(event, controller.signal)
    if (request.headers.accept?.includes(NDJSON_MEDIA_TYPE)) await sendStream(events, response)
    else await sendCollected(events, response)
  } catch (error) {
    const failure = toLaresError(error)
    options.log.warn({ code: failure.code, err: failure }, 'an event could not be handled')
    sendError(response, failure)
  }
}

async function sendCollected(events: AsyncIterable<LaresEvent>, response: ServerResponse): Promise<void> {
  const all: LaresEvent[] = []
  for await (const event of events) all.push(event)
  if (all.length === 0) {
    response.writeHead(204).end()
  } else if (all.length === 1) {
    const { headers, body } = eventToHttp(all[0]!)
    response.writeHead(200, { ...headers, 'content-length': body.length }).end(body)
  } else {
    const body = Buffer.from(`[${all.map(toJson).join(',')}]`)
    response.writeHead(200, { 'content-type': BATCH_MEDIA_TYPE, 'content-length': body.length }).end(body)
  }
}

/** The first event decides the status. A last line `{"error": …}` reports a later failure. */
async function sendStream(events: AsyncIterable<LaresEvent>, response: ServerResponse): Promise<void> {
  try {
    for await (const event of events) {
      const line = `${toJson(event)}\n`
      if (!response.headersSent) response.writeHead(200, { 'content-type': NDJSON_MEDIA_TYPE })
      if (!response.write(line)) await waitForDrain(response)
      if (response.destroyed) return
    }
    if (!response.headersSent) response.writeHead(204)
  } catch (error) {
    if (!response.headersSent) throw error
    if (response.destroyed) return
    const failure = toLaresError(error)
    const { code, message, retryable, retryAfterMs } = failure
    const stack = authorStackOf(failure)
    response.write(`${JSON.stringify({ error: { code, message, retryable, retryAfterMs, stack } })}\n`)
  }
  response.end()
}

const waitForDrain = (response: ServerResponse) =>
  new Promise<void>(resolve => {
    if (response.destroyed) return resolve()
    response.once('drain', resolve).once('close', resolve)
  })

/**
 * Reads the request to its end and keeps at most `maxBytes`. So a client that is still sending when it is refused can
 * read the refusal, and the connection stays usable. Node's request timeout bounds the reading time.
 */
function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= maxBytes) return void chunks.push(chunk)
      chunks = []
      reject(tooLargeError(maxBytes))
    })
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    request.once('error', reject)
    if (Number(request.headers['content-length']) > maxBytes) reject(tooLargeError(maxBytes))
  })
}

const tooLargeError = (maxBytes: number) =>
  new LaresError(
    'too_large',
    `an event has at most ${maxBytes} bytes; larger data travels as a claim check (dataref)`,
  )

function sendError(response: ServerResponse, error: LaresError): void {
  if (response.headersSent || response.destroyed) return void response.destroy()
  if (error.retryAfterMs !== undefined)
    response.setHeader('retry-after', Math.max(1, Math.ceil(error.retryAfterMs / 1000)))
  const stack = authorStackOf(error)
  const { code, message } = error
  sendJson(response, error.status, { error: { code, message, ...(stack !== undefined && { stack }) } })
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value))
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
}

function sendMetrics(response: ServerResponse, text: string): void {
  response
    .writeHead(200, { 'content-type': METRICS_CONTENT_TYPE, 'content-length': Buffer.byteLength(text) })
    .end(text)
}
