import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { Agent, type Dispatcher } from 'undici'
import { LaresError, toLaresError } from '../../../shared/base/errors.ts'
import type { Logger } from '../../../shared/base/log.ts'
import type { Backend } from '../backend.ts'
import { NAMESPACE } from '../deployment.ts'
import type { ProviderMetrics } from '../metrics.ts'

const MAX_CONNECTIONS = 512
const CONNECT_TIMEOUT_MS = 5_000
/** The proxy ends a call without a response within this time; the function's own deadline is shorter. */
const RESPONSE_TIMEOUT_MS = 15 * 60_000
/**
 * The proxy buffers a body up to this size, so that it can send it to another replica when the first does not answer.
 */
const MAX_BUFFERED_BODY_BYTES = 1024 * 1024
const MAX_ATTEMPTS = 3

export type InvocationTarget = { name: string; path: string }

const TARGET_PATTERNS = {
  function: /^\/function\/([a-z0-9][-a-z0-9.]*)(\/[^?]*)?(\?.*)?$/,
  'async-function': /^\/async-function\/([a-z0-9][-a-z0-9.]*)(\/[^?]*)?(\?.*)?$/,
}

/**
 * Parses `/function/NAME[.NAMESPACE][/PATH][?QUERY]`, and the same with `/async-function`; undefined for any other URL.
 */
export function parseTarget(url: string, prefix: keyof typeof TARGET_PATTERNS): InvocationTarget | undefined {
  const [, qualifiedName, path = '', query = ''] = TARGET_PATTERNS[prefix].exec(url) ?? []
  if (qualifiedName === undefined) return undefined
  return { name: qualifiedName.replace(`.${NAMESPACE}`, ''), path: `${path || '/'}${query}` }
}

export type FunctionProxy = {
  /** Streams the function's response to the caller. */
  serve(target: InvocationTarget, request: IncomingMessage, response: ServerResponse): Promise<void>
  /** Makes one call and returns the whole response. Errors: `not_found`, `unavailable`. */
  call(target: InvocationTarget, call: FunctionCall): Promise<FunctionResponse>
  close(): Promise<void>
}

export type FunctionCall = { method: string; headers: Record<string, string | string[]>; body: Uint8Array }
export type FunctionResponse = { status: number; headers: Record<string, string | string[]>; body: Buffer }

type UpstreamRequest = {
  method: string
  path: string
  headers: HeaderMap
  body: Uint8Array | IncomingMessage | null
}
type HeaderMap = Record<string, string | string[]>

/** Sends requests to functions. A request that arrives when no replica runs waits for the start. */
export function openProxy(backend: Backend, metrics: ProviderMetrics, log: Logger): FunctionProxy {
  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    pipelining: 1,
    headersTimeout: RESPONSE_TIMEOUT_MS,
    bodyTimeout: 0,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  })
  /**
   * Sends a request again when it was not delivered. It does not repeat one that may have been delivered, because only
   * the sender knows whether a second delivery is harmless.
   * Resolves when the sink has the whole response.
   */
  const send = async (name: string, upstreamRequest: UpstreamRequest, sink: ResponseSink): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      const acquired = backend.acquire(name)
      const lease = acquired instanceof Promise ? await acquired : acquired
      try {
        await exchange(agent, lease.origin, upstreamRequest, sink)
        return lease.release('answered')
      } catch (cause) {
        lease.release('gone')
        if (!isConnectError(cause) || isStream(upstreamRequest.body) || attempt >= MAX_ATTEMPTS)
          throw upstreamError(name, cause as Error)
      }
    }
  }

  async function serve(
    target: InvocationTarget,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { name } = target
    const startedAt = performance.now()
    const callId = (request.headers['x-call-id'] as string | undefined) ?? randomUUID()
    response.setHeader('x-call-id', callId)
    try {
      if (target.path === '/_/manifest') return sendManifest(backend, name, response)
      metrics.invocationStarted(name)
      const headers = forwardHeaders(request.headers, callId)
      headers['x-forwarded-host'] ??= request.headers.host ?? ''
      headers['x-forwarded-for'] ??= request.socket.remoteAddress ?? ''
      const body = await readBody(request)
      await send(
        name,
        { method: request.method!, path: target.path, headers, body },
        responseSinkOf(response),
      )
    } catch (error) {
      sendError(response, asUnavailable(error))
      log.debug({ function: name, callId, err: error }, 'a call was not answered by its function')
    }
    metrics.invocationCompleted(name, response.statusCode, (performance.now() - startedAt) / 1_000)
  }

  return {
    serve,
    async call(target, { method, headers, body }) {
      const startedAt = performance.now()
      metrics.invocationStarted(target.name)
      const response: FunctionResponse = { status: 0, headers: {}, body: Buffer.alloc(0) }
      const chunks: Buffer[] = []
      await send(
        target.name,
        { method, path: target.path, headers, body },
        {
          head: (status, responseHeaders) => Object.assign(response, { status, headers: responseHeaders }),
          data: chunk => void chunks.push(chunk),
          end: () => undefined,
        },
      )
      metrics.invocationCompleted(target.name, response.status, (performance.now() - startedAt) / 1_000)
      return { ...response, body: Buffer.concat(chunks) }
    },
    close: () => agent.destroy(),
  }
}

/**
 * Answers 503 and not 404, as faas-provider's proxy does (proxy/proxy.go). A function removed a moment ago may be
 * deployed again, and an event for it must wait and not become a dead letter.
 */
function asUnavailable(thrown: unknown): LaresError {
  const error = toLaresError(thrown)
  if (error.code !== 'not_found') return error
  return new LaresError('unavailable', error.message, { cause: error, retryAfterMs: 1_000 })
}

/** Sends the manifest saved at the deployment, so that the request does not wake the function. */
function sendManifest(backend: Backend, name: string, response: ServerResponse): void {
  const { manifest } = backend.get(name)
  if (!manifest) throw new LaresError('not_found', `${name} tells no manifest`)
  const body = Buffer.from(JSON.stringify(manifest))
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
}

/** RFC 9110, section 7.6.1: these headers concern one connection. This server has answered `expect`. */
const HOP_BY_HOP_HEADERS = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'host',
])

function endToEndHeaders(headers: IncomingHttpHeaders): HeaderMap {
  const result: HeaderMap = {}
  for (const name in headers) if (!HOP_BY_HOP_HEADERS.has(name)) result[name] = headers[name]!
  return result
}

export function forwardHeaders(headers: IncomingHttpHeaders, callId: string): HeaderMap {
  return { ...endToEndHeaders(headers), 'x-call-id': callId, 'x-start-time': String(Date.now() * 1e6) }
}

async function readBody(request: IncomingMessage): Promise<Uint8Array | IncomingMessage | null> {
  const length = request.headers['content-length']
  if (length === undefined && request.headers['transfer-encoding'] === undefined) return null
  if (length === undefined || Number(length) > MAX_BUFFERED_BODY_BYTES) return request
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    request.once('error', reject)
  })
}

/** The receiver of a response, chunk by chunk. */
type ResponseSink = {
  head(status: number, headers: HeaderMap): void
  /** False means that the caller must wait for `onDrain`. */
  data(chunk: Buffer): boolean | void
  end(): void
  /** Calls back when the sink takes more data. */
  onDrain?(resume: () => void): void
  /** Calls back when the receiver disconnects. */
  onDisconnect?(abort: () => void): void
}

function responseSinkOf(response: ServerResponse): ResponseSink {
  return {
    head(status, headers) {
      response.writeHead(status, headers)
      // Shows a client that waits for the first line of a stream that the stream has begun.
      if (headers['content-length'] === undefined && status !== 204) response.flushHeaders()
    },
    data: chunk => response.write(chunk),
    end: () => void response.end(),
    onDrain: resume => void response.once('drain', resume),
    onDisconnect(abort) {
      if (response.destroyed) abort()
      else response.once('close', abort)
    },
  }
}

/**
 * Makes one request through undici's own callbacks: streams and promises in between would cost more than everything
 * else. Rejects when the connection fails, before or during the response.
 */
function exchange(
  agent: Agent,
  origin: string,
  upstreamRequest: UpstreamRequest,
  sink: ResponseSink,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isSettled = false
    const settle = (error?: Error) => {
      isSettled = true
      if (error) reject(error)
      else resolve()
    }
    agent.dispatch({ origin, ...upstreamRequest } as Dispatcher.DispatchOptions, {
      onRequestStart(controller) {
        sink.onDisconnect?.(() => {
          if (!isSettled) controller.abort(new Error('the caller went away'))
        })
      },
      onResponseStart(_controller, status, headers) {
        sink.head(status, endToEndHeaders(headers))
      },
      onResponseData(controller, chunk) {
        if (sink.data(chunk) === false && sink.onDrain) {
          controller.pause()
          sink.onDrain(() => controller.resume())
        }
      },
      onResponseEnd() {
        sink.end()
        settle()
      },
      onResponseError(_controller, error) {
        settle(error)
      },
    })
  })
}

const isStream = (body: unknown): boolean =>
  body !== null && typeof (body as IncomingMessage).pipe === 'function'

const CONNECT_ERROR_CODES = new Set(['ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT', 'EHOSTUNREACH'])

const isConnectError = (cause: unknown): boolean =>
  CONNECT_ERROR_CODES.has((cause as { code?: string }).code ?? '')

const upstreamError = (name: string, cause: Error): LaresError =>
  isConnectError(cause)
    ? new LaresError('unavailable', `${name} cannot be reached: ${cause.message}`, { cause })
    : new LaresError('failed', `${name} broke off: ${cause.message}`, { cause })

function sendError(response: ServerResponse, error: LaresError): void {
  if (response.headersSent || response.destroyed) return void response.destroy()
  const body = Buffer.from(JSON.stringify({ error: { code: error.code, message: error.message } }))
  if (error.retryAfterMs !== undefined)
    response.setHeader('retry-after', Math.max(1, Math.ceil(error.retryAfterMs / 1_000)))
  // Otherwise the server would read the rest of this body as the next request of the connection.
  response.setHeader('connection', 'close')
  response
    .writeHead(error.status, { 'content-type': 'application/json', 'content-length': body.length })
    .end(body)
}
