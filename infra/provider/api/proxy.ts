import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { Agent, type Dispatcher } from 'undici'
import { LaresError, toLaresError } from '../../../shared/base/errors.ts'
import type { Log } from '../../../shared/base/log.ts'
import type { Backend } from '../backend.ts'
import { NAMESPACE } from '../deployment.ts'
import type { ProviderMetrics } from '../metrics.ts'

const MAX_CONNECTIONS = 512
const CONNECT_TIMEOUT_MS = 5_000
/** A function that does not begin to answer within this time is cut off; its own deadline is shorter. */
const ANSWER_LIMIT_MS = 15 * 60_000
/** A body up to this is kept until it is sent, so that it can be sent to another replica when the first is gone. */
const KEPT_BODY_BYTES = 1024 * 1024
const TRIES = 3

export type Target = { name: string; path: string }

const TARGETS = {
  function: /^\/function\/([a-z0-9][-a-z0-9.]*)(\/[^?]*)?(\?.*)?$/,
  'async-function': /^\/async-function\/([a-z0-9][-a-z0-9.]*)(\/[^?]*)?(\?.*)?$/,
}

/** `/function/NAME[.NAMESPACE][/PATH][?QUERY]`, and the same of `/async-function`; undefined for any other. */
export function targetOf(url: string, prefix: keyof typeof TARGETS): Target | undefined {
  const [, full, path = '', query = ''] = TARGETS[prefix].exec(url) ?? []
  if (full === undefined) return undefined
  return { name: full.replace(`.${NAMESPACE}`, ''), path: `${path || '/'}${query}` }
}

export type FunctionProxy = {
  /** Answers with what the function answers, as it comes. */
  serve(target: Target, request: IncomingMessage, response: ServerResponse): Promise<void>
  /** One whole call. Errors: `not_found`, `unavailable`. */
  call(target: Target, call: Call): Promise<Answer>
  close(): Promise<void>
}

export type Call = { method: string; headers: Record<string, string | string[]>; body: Uint8Array }
export type Answer = { status: number; headers: Record<string, string | string[]>; body: Buffer }

type Forward = {
  method: string
  path: string
  headers: Headers
  body: Uint8Array | IncomingMessage | null
}
type Headers = Record<string, string | string[]>

/** Brings requests to functions; one that arrives when no replica runs waits for the start. */
export function openProxy(backend: Backend, metrics: ProviderMetrics, log: Log): FunctionProxy {
  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    pipelining: 1,
    headersTimeout: ANSWER_LIMIT_MS,
    bodyTimeout: 0,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  })
  /**
   * What is not delivered is sent again; what may have been is not, as only its sender knows whether that is harmless.
   * Resolves when the answer has been given to the sink.
   */
  const send = async (name: string, forward: Forward, sink: Sink): Promise<void> => {
    for (let tries = 1; ; tries++) {
      const acquired = backend.acquire(name)
      const lease = acquired instanceof Promise ? await acquired : acquired
      try {
        await exchange(agent, lease.origin, forward, sink)
        return lease.release('answered')
      } catch (cause) {
        lease.release('gone')
        if (!isUndelivered(cause) || isStream(forward.body) || tries >= TRIES)
          throw brokenOff(name, cause as Error)
      }
    }
  }

  async function serve(target: Target, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { name } = target
    const startedAt = performance.now()
    const callId = (request.headers['x-call-id'] as string | undefined) ?? randomUUID()
    response.setHeader('x-call-id', callId)
    try {
      if (target.path === '/_/manifest') return sendManifest(backend, name, response)
      metrics.started(name)
      const headers = forwarded(request.headers, callId)
      headers['x-forwarded-host'] ??= request.headers.host ?? ''
      headers['x-forwarded-for'] ??= request.socket.remoteAddress ?? ''
      const body = await bodyOf(request)
      await send(name, { method: request.method!, path: target.path, headers, body }, sinkOf(response))
    } catch (error) {
      refuse(response, away(error))
      log.debug({ function: name, callId, err: error }, 'a call was not answered by its function')
    }
    metrics.answered(name, response.statusCode, (performance.now() - startedAt) / 1_000)
  }

  return {
    serve,
    async call(target, { method, headers, body }) {
      const startedAt = performance.now()
      metrics.started(target.name)
      const answer: Answer = { status: 0, headers: {}, body: Buffer.alloc(0) }
      const chunks: Buffer[] = []
      await send(
        target.name,
        { method, path: target.path, headers, body },
        {
          head: (status, told) => Object.assign(answer, { status, headers: told }),
          data: chunk => void chunks.push(chunk),
          end: () => undefined,
        },
      )
      metrics.answered(target.name, answer.status, (performance.now() - startedAt) / 1_000)
      return { ...answer, body: Buffer.concat(chunks) }
    },
    close: () => agent.destroy(),
  }
}

/**
 * 503 and not 404, as faas-provider's proxy answers (proxy/proxy.go): what was removed a moment ago may be deployed again,
 * and an event for it has to wait and not to fail for good.
 */
function away(thrown: unknown): LaresError {
  const error = toLaresError(thrown)
  if (error.code !== 'not_found') return error
  return new LaresError('unavailable', error.message, { cause: error, retryAfterMs: 1_000 })
}

/** From what was told at the deployment, so that asking wakes nobody. */
function sendManifest(backend: Backend, name: string, response: ServerResponse): void {
  const { manifest } = backend.get(name)
  if (!manifest) throw new LaresError('not_found', `${name} tells no manifest`)
  const body = Buffer.from(JSON.stringify(manifest))
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
}

/** RFC 9110, section 7.6.1: these are of one connection. `expect` was answered by this server. */
const OF_CONNECTION = new Set([
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

function kept(headers: IncomingHttpHeaders): Headers {
  const result: Headers = {}
  for (const name in headers) if (!OF_CONNECTION.has(name)) result[name] = headers[name]!
  return result
}

export function forwarded(headers: IncomingHttpHeaders, callId: string): Headers {
  return { ...kept(headers), 'x-call-id': callId, 'x-start-time': String(Date.now() * 1e6) }
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array | IncomingMessage | null> {
  const length = request.headers['content-length']
  if (length === undefined && request.headers['transfer-encoding'] === undefined) return null
  if (length === undefined || Number(length) > KEPT_BODY_BYTES) return request
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    request.once('error', reject)
  })
}

/** Where an answer goes, piece by piece. */
type Sink = {
  head(status: number, headers: Headers): void
  /** False says that no more is to come until `whenReady`. */
  data(chunk: Buffer): boolean | void
  end(): void
  /** Calls back when more may come. */
  whenReady?(resume: () => void): void
  /** Calls back when nobody listens any more. */
  whenGone?(abort: () => void): void
}

function sinkOf(response: ServerResponse): Sink {
  return {
    head(status, headers) {
      response.writeHead(status, headers)
      // Whoever waits for the first line of a stream sees that it has begun.
      if (headers['content-length'] === undefined && status !== 204) response.flushHeaders()
    },
    data: chunk => response.write(chunk),
    end: () => void response.end(),
    whenReady: resume => void response.once('drain', resume),
    whenGone(abort) {
      if (response.destroyed) abort()
      else response.once('close', abort)
    },
  }
}

/**
 * One request and its answer by undici's own callbacks: streams and promises in between would cost more than all the
 * rest. Rejects when the connection fails, before the answer or within it.
 */
function exchange(agent: Agent, origin: string, forward: Forward, sink: Sink): Promise<void> {
  return new Promise((resolve, reject) => {
    let ended = false
    const over = (error?: Error) => {
      ended = true
      if (error) reject(error)
      else resolve()
    }
    agent.dispatch({ origin, ...forward } as Dispatcher.DispatchOptions, {
      onRequestStart(controller) {
        sink.whenGone?.(() => {
          if (!ended) controller.abort(new Error('the caller went away'))
        })
      },
      onResponseStart(_controller, status, headers) {
        sink.head(status, kept(headers))
      },
      onResponseData(controller, chunk) {
        if (sink.data(chunk) === false && sink.whenReady) {
          controller.pause()
          sink.whenReady(() => controller.resume())
        }
      },
      onResponseEnd() {
        sink.end()
        over()
      },
      onResponseError(_controller, error) {
        over(error)
      },
    })
  })
}

const isStream = (body: unknown): boolean =>
  body !== null && typeof (body as IncomingMessage).pipe === 'function'

const UNDELIVERED = new Set(['ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT', 'EHOSTUNREACH'])

const isUndelivered = (cause: unknown): boolean => UNDELIVERED.has((cause as { code?: string }).code ?? '')

const brokenOff = (name: string, cause: Error): LaresError =>
  isUndelivered(cause)
    ? new LaresError('unavailable', `${name} cannot be reached: ${cause.message}`, { cause })
    : new LaresError('failed', `${name} broke off: ${cause.message}`, { cause })

function refuse(response: ServerResponse, error: LaresError): void {
  if (response.headersSent || response.destroyed) return void response.destroy()
  const body = Buffer.from(JSON.stringify({ error: { code: error.code, message: error.message } }))
  if (error.retryAfterMs !== undefined)
    response.setHeader('retry-after', Math.max(1, Math.ceil(error.retryAfterMs / 1_000)))
  // What is still being sent would be read as the next request of the connection.
  response.setHeader('connection', 'close')
  response
    .writeHead(error.status, { 'content-type': 'application/json', 'content-length': body.length })
    .end(body)
}
