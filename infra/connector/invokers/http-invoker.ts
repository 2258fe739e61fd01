import { Agent, type Dispatcher } from 'undici'
import { type ErrorCode, LaresError } from '../../../shared/base/errors.ts'
import { type Manifest, manifest } from '../../../shared/contract/catalogue.ts'
import type { LaresEvent } from '../../../shared/contract/events/event.ts'
import {
  eventsFromHttp,
  fromJson,
  MEANT_FOR,
  NDJSON,
  parseJson,
  toHttp,
} from '../../../shared/contract/events/http-binding.ts'
import type { Invoker } from './invoker.ts'
import { linesOf } from './ndjson.ts'

const MAX_CONNECTIONS = 256
const CONNECT_TIMEOUT_MS = 5_000
const MANIFEST_TIMEOUT_MS = 5_000
/** The function's own deadline ends a call; this ends one to a function that is frozen or cut off. */
const GRACE_MS = 10_000
/** As long as a manifest has not told the deadline. */
const LONGEST_CALL_MS = 15 * 60_000
const MAX_ANSWER_BYTES = 256 * 1024 * 1024

export type HttpInvokerOptions = {
  /** Where a function is, as in http://127.0.0.1:7001/. Errors: `unavailable` when it is not known (yet). */
  urlOf(name: string): string
}

type Call = Omit<Dispatcher.RequestOptions, 'origin' | 'path'>

/** Calls functions over HTTP with connections that are kept. */
export function httpInvoker({ urlOf }: HttpInvokerOptions): Invoker {
  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    maxResponseSize: MAX_ANSWER_BYTES,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  })
  /** What the manifests said last. Who emits while it works is asked for its events as they come. */
  const known = new Map<string, Manifest>()
  const send = async (name: string, path: string, timeoutMs: number, call: Call) => {
    const url = new URL(urlOf(name))
    const base = url.pathname.replace(/\/$/, '')
    return await agent
      .request({
        ...call,
        origin: url.origin,
        path: `${base}${path}`,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      })
      .catch(cause => Promise.reject(connectionError(name, cause)))
  }
  async function* invoke(name: string, event: LaresEvent, signal: AbortSignal) {
    const told = known.get(name)
    const { headers, body } = toHttp(event)
    if (told) headers[MEANT_FOR] = told.name
    if (told?.emits.includes('lares.stream.extended')) headers.accept = NDJSON
    const timeoutMs = told?.timeoutMs === undefined ? LONGEST_CALL_MS : told.timeoutMs + GRACE_MS
    const answer = await send(name, '/', timeoutMs, { method: 'POST', headers, body, signal })
    if (answer.statusCode >= 300) throw await refusal(name, answer)
    yield* eventsOf(name, answer)
  }
  return {
    invoke,
    async manifest(name) {
      const answer = await send(name, '/_/manifest', MANIFEST_TIMEOUT_MS, { method: 'GET' })
      if (answer.statusCode !== 200) throw await refusal(name, answer)
      const told = manifest.parse(await answer.body.json())
      known.set(name, told)
      return told
    },
    close: () => agent.destroy(),
  }
}

const AWAY = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** No connection: the function has not seen the event. A connection that broke: it may have, so the try counts. */
function connectionError(name: string, cause: Error & { code?: string }): LaresError {
  return AWAY.has(cause.code ?? '')
    ? new LaresError('unavailable', `${name} cannot be reached: ${cause.message}`, { cause })
    : new LaresError('failed', `${name} broke off: ${cause.message}`, { cause })
}

/** The design's table of statuses: these are tried again, any other 4xx is final. */
const RETRIED = new Set([408, 421, 425, 429])
/** What the function has not seen, or has put off. */
const CODES: Record<number, ErrorCode> = { 421: 'unavailable', 429: 'busy', 503: 'unavailable' }
/** Taken from what a function says, not from the status alone: an event is passed over for it. */
const FORGOTTEN = 'forgotten'

async function refusal(name: string, answer: Dispatcher.ResponseData): Promise<LaresError> {
  const { statusCode, headers } = answer
  const text = (await answer.body.text().catch(() => '')).slice(0, 2_000)
  const retryable = statusCode >= 500 || RETRIED.has(statusCode)
  const told = errorIn(text)
  const code =
    told?.code === FORGOTTEN ? FORGOTTEN : (CODES[statusCode] ?? (retryable ? 'failed' : 'rejected'))
  const retryAfterMs = retryAfter(headers['retry-after'])
  const reason = told ? `${told.code}: ${told.message}` : text
  return new LaresError(code, `${name} answered ${statusCode}: ${reason}`, {
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

function errorIn(text: string): { code?: string; message: string } | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: string; message?: string } }
    return error?.message ? { ...error, message: error.message } : undefined
  } catch {
    return undefined
  }
}

/** RFC 9110, section 10.2.3: seconds or a date. */
function retryAfter(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

async function* eventsOf(name: string, answer: Dispatcher.ResponseData): AsyncGenerator<LaresEvent> {
  try {
    if (String(answer.headers['content-type']).startsWith(NDJSON)) yield* eventLines(name, answer.body)
    else yield* eventsFromHttp(answer.headers, Buffer.from(await answer.body.arrayBuffer()))
  } catch (error) {
    throw error instanceof LaresError ? error : connectionError(name, error as Error)
  }
}

type ErrorLine = { error: { code?: string; message: string; retryable: boolean; retryAfterMs?: number } }

const isErrorLine = (value: unknown): value is ErrorLine =>
  typeof value === 'object' && value !== null && 'error' in value

async function* eventLines(name: string, body: AsyncIterable<Buffer>): AsyncGenerator<LaresEvent> {
  for await (const line of linesOf(body)) {
    const value = parseJson(line)
    if (isErrorLine(value)) {
      const { code, message } = value.error
      throw new LaresError(code === FORGOTTEN ? FORGOTTEN : 'failed', `${name}: ${message}`, value.error)
    }
    yield fromJson(value)
  }
}
