import { Agent, type Dispatcher } from 'undici'
import * as z from 'zod'
import { type ErrorCode, LaresError, remoteCause } from '../../../shared/base/errors.ts'
import { parseRetryAfterMs } from '../../../shared/base/retry-after.ts'
import { type Manifest, manifestSchema } from '../../../shared/contract/catalogue.ts'
import type { LaresEvent } from '../../../shared/contract/events/event.ts'
import {
  eventFromJson,
  eventsFromHttp,
  eventToHttp,
  NDJSON_MEDIA_TYPE,
  parseJson,
  TARGET_FUNCTION_HEADER,
} from '../../../shared/contract/events/http-binding.ts'
import type { Invoker } from './invoker.ts'
import { readLines } from './ndjson.ts'

const MAX_CONNECTIONS = 256
const CONNECT_TIMEOUT_MS = 5_000
const MANIFEST_TIMEOUT_MS = 5_000
/**
 * The function's own deadline ends a call. With this grace, the connector ends a call to a frozen or disconnected
 * function.
 */
const TIMEOUT_GRACE_MS = 10_000
/** The timeout until a manifest gives the function's own. */
const DEFAULT_CALL_TIMEOUT_MS = 15 * 60_000
const MAX_RESPONSE_BYTES = 256 * 1024 * 1024

export type HttpInvokerOptions = {
  /** The URL of a function, as in http://127.0.0.1:7001/. Errors: `unavailable` when it is not known (yet). */
  urlOf(name: string): string
}

type CallOptions = Omit<Dispatcher.RequestOptions, 'origin' | 'path'>

/** Calls functions over HTTP with persistent connections. */
export function httpInvoker({ urlOf }: HttpInvokerOptions): Invoker {
  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    maxResponseSize: MAX_RESPONSE_BYTES,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  })
  /** The last manifests. The invoker requests an event stream from functions that emit while they work. */
  const manifests = new Map<string, Manifest>()
  const send = async (name: string, path: string, timeoutMs: number, call: CallOptions) => {
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
    const functionManifest = manifests.get(name)
    const { headers, body } = eventToHttp(event)
    if (functionManifest) headers[TARGET_FUNCTION_HEADER] = functionManifest.name
    if (functionManifest?.emits.includes('lares.stream.extended')) headers.accept = NDJSON_MEDIA_TYPE
    const timeoutMs =
      functionManifest?.timeoutMs === undefined
        ? DEFAULT_CALL_TIMEOUT_MS
        : functionManifest.timeoutMs + TIMEOUT_GRACE_MS
    const response = await send(name, '/', timeoutMs, { method: 'POST', headers, body, signal })
    if (response.statusCode >= 300) throw await errorFromResponse(name, response)
    yield* readEvents(name, response)
  }
  return {
    invoke,
    async manifest(name) {
      const response = await send(name, '/_/manifest', MANIFEST_TIMEOUT_MS, { method: 'GET' })
      if (response.statusCode !== 200) throw await errorFromResponse(name, response)
      const functionManifest = manifestSchema.parse(await response.body.json())
      manifests.set(name, functionManifest)
      return functionManifest
    },
    close: () => agent.destroy(),
  }
}

const UNREACHABLE_CODES = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/**
 * Without a connection the function has not seen the event. After a broken connection it may have, so the attempt
 * counts.
 */
function connectionError(name: string, cause: Error & { code?: string }): LaresError {
  return UNREACHABLE_CODES.has(cause.code ?? '')
    ? new LaresError('unavailable', `${name} cannot be reached: ${cause.message}`, { cause })
    : new LaresError('failed', `${name} broke off: ${cause.message}`, { cause })
}

/** The design's table of statuses: the connector retries these; any other 4xx is final. */
const RETRYABLE_STATUSES = new Set([408, 421, 425, 429])
/** These statuses mean that the function has not seen the event, or has postponed it. */
const CODE_OF_STATUS: Record<number, ErrorCode> = { 421: 'unavailable', 429: 'busy', 503: 'unavailable' }
/** Only the error body can carry this code, never the status alone, because the connector then skips the event. */
const FORGOTTEN_CODE = 'forgotten'

/** The size in characters that a message and a stack need. */
const MAX_ERROR_BODY_LENGTH = 16_000
const MAX_REASON_LENGTH = 2_000

async function errorFromResponse(name: string, response: Dispatcher.ResponseData): Promise<LaresError> {
  const { statusCode, headers } = response
  const text = (await response.body.text().catch(() => '')).slice(0, MAX_ERROR_BODY_LENGTH)
  const retryable = statusCode >= 500 || RETRYABLE_STATUSES.has(statusCode)
  const functionError = parseErrorBody(text)
  const code =
    functionError?.code === FORGOTTEN_CODE
      ? FORGOTTEN_CODE
      : (CODE_OF_STATUS[statusCode] ?? (retryable ? 'failed' : 'rejected'))
  const retryAfterMs = parseRetryAfterMs(headers['retry-after'])
  const reason = functionError
    ? `${functionError.code}: ${functionError.message}`
    : text.slice(0, MAX_REASON_LENGTH)
  return new LaresError(code, `${name} answered ${statusCode}: ${reason}`, {
    retryable,
    cause: functionError?.stack && remoteCause(functionError.message, functionError.stack),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

const functionErrorSchema = z.object({
  code: z.string().optional(),
  message: z.string().min(1),
  retryable: z.boolean().optional(),
  retryAfterMs: z.number().optional(),
  stack: z.string().optional(),
})
const errorBodySchema = z.object({ error: functionErrorSchema })

/** A body that does not follow Lares's error contract, such as a proxy's page, becomes the error's text. */
function parseErrorBody(text: string): z.infer<typeof functionErrorSchema> | undefined {
  try {
    return errorBodySchema.safeParse(JSON.parse(text)).data?.error
  } catch {
    return undefined
  }
}

async function* readEvents(name: string, response: Dispatcher.ResponseData): AsyncGenerator<LaresEvent> {
  try {
    if (String(response.headers['content-type']).startsWith(NDJSON_MEDIA_TYPE))
      yield* readEventLines(name, response.body)
    else yield* eventsFromHttp(response.headers, Buffer.from(await response.body.arrayBuffer()))
  } catch (error) {
    throw error instanceof LaresError ? error : connectionError(name, error as Error)
  }
}

async function* readEventLines(name: string, body: AsyncIterable<Buffer>): AsyncGenerator<LaresEvent> {
  for await (const line of readLines(body)) {
    const value = parseJson(line)
    const failure = errorBodySchema.safeParse(value).data?.error
    if (failure) {
      const { code, message, retryable = true, retryAfterMs, stack } = failure
      throw new LaresError(code === FORGOTTEN_CODE ? FORGOTTEN_CODE : 'failed', `${name}: ${message}`, {
        retryable,
        cause: stack && remoteCause(message, stack),
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      })
    }
    yield eventFromJson(value)
  }
}
