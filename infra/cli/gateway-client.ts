import { setTimeout as wait } from 'node:timers/promises'
import * as z from 'zod'
import { type ErrorCode, LaresError } from '../../shared/base/errors.ts'
import { parseRetryAfterMs } from '../../shared/base/retry-after.ts'

/** Longer than the gateway itself waits for the bus before it answers. */
const REQUEST_TIMEOUT_MS = 20_000
const MIN_RETRY_DELAY_MS = 100
const MAX_RETRY_DELAY_MS = 3_000

export type GatewayAddress = { url: string; token: string }

export type RequestOptions = {
  method?: 'GET' | 'POST'
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal | undefined
}

/** The gateway's HTTP API. Errors: those of its responses; `unavailable` when nothing answers. */
export type GatewayClient = GatewayAddress & {
  /** Resolves for any status. */
  fetch(path: string, asked?: RequestOptions): Promise<Response>
  /** More errors: `invalid_result` when the response does not match the schema. */
  request<T extends z.ZodType>(path: string, schema: T, asked?: RequestOptions): Promise<z.output<T>>
}

export const acceptedSchema = z.object({ id: z.string(), conversation: z.string() })

export const rowSchema = z.object({
  id: z.string(),
  role: z.enum(['user', 'assistant']),
  text: z.string(),
  inReplyTo: z.string().nullable(),
  createdAt: z.string(),
  status: z.enum(['queued', 'answering', 'answered', 'completed', 'failed', 'interrupted']),
})
export type MessageRow = z.infer<typeof rowSchema>

/** Whether the turn of a message has ended, with its own reply or merged into a later one. */
export const hasTurnEnded = (status: MessageRow['status'] | undefined): boolean =>
  status !== undefined && status !== 'queued' && status !== 'answering'

export const rowsSchema = z.object({ messages: z.array(rowSchema) })

export function openGatewayClient({ url, token }: GatewayAddress): GatewayClient {
  const base = url.replace(/\/$/, '')
  const send = async (path: string, { method = 'GET', body, headers, signal }: RequestOptions = {}) => {
    const init: RequestInit = {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    }
    return await fetch(base + path, init).catch(cause => {
      throw unreachableError(base, cause, signal)
    })
  }
  return {
    url: base,
    token,
    fetch: send,
    async request(path, schema, options = {}) {
      const signal = AbortSignal.any([
        AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        ...(options.signal ? [options.signal] : []),
      ])
      const response = await send(path, { ...options, signal })
      // The connection may also break in the middle of the body.
      const text = await response.text().catch(cause => {
        throw unreachableError(base, cause, signal)
      })
      if (!response.ok) throw errorFromResponse(base, response, text)
      return parseAnswer(base + path, schema, text)
    },
  }
}

function parseAnswer<T extends z.ZodType>(url: string, schema: T, text: string): z.output<T> {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new LaresError('invalid_result', `what ${url} answers is not of this version of Lares`, { cause })
  }
}

function unreachableError(url: string, cause: unknown, signal?: AbortSignal): LaresError {
  const { message, cause: innerCause } = cause as Error
  const timedOut = signal?.aborted && (signal.reason as Error)?.name === 'TimeoutError'
  const reason = timedOut ? 'it does not answer' : ((innerCause as NodeJS.ErrnoException)?.code ?? message)
  return new LaresError(
    'unavailable',
    `there is no gateway at ${url} (${reason}): start it with "npm start", or say where it is in LARES_URL`,
    { cause },
  )
}

const ERROR_CODE_BY_STATUS: Record<number, ErrorCode> = {
  400: 'invalid_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  413: 'too_large',
  422: 'rejected',
  429: 'busy',
  503: 'unavailable',
}

/** An error with the gateway's message, and with the remedy when the client can apply it. */
export function errorFromResponse(url: string, response: Response, text: string): LaresError {
  const { status, headers } = response
  const code = ERROR_CODE_BY_STATUS[status] ?? (status < 500 ? 'rejected' : 'failed')
  const retryAfterMs = parseRetryAfterMs(headers.get('retry-after'))
  const remedy = code === 'unauthorized' ? `; the token in use is not one of ${url}: set LARES_TOKEN` : ''
  return new LaresError(
    code,
    `${errorMessageIn(text) ?? `the gateway answered ${status}`}${remedy}`,
    retryAfterMs === undefined ? {} : { retryAfterMs },
  )
}

function errorMessageIn(text: string): string | undefined {
  try {
    return z.object({ error: z.object({ message: z.string() }) }).parse(JSON.parse(text)).error.message
  } catch {
    return undefined
  }
}

export type RetryOptions = {
  /** The time in milliseconds after which the last error is thrown. */
  timeoutMs: number
  signal?: AbortSignal | undefined
  onRetry?(error: LaresError): void
}

/** Retries with growing waits, as long as a retry can help. The work must be safe to repeat. */
export async function withRetry<T>(
  operation: () => Promise<T>,
  { timeoutMs, signal, onRetry }: RetryOptions,
): Promise<T> {
  const endsAt = performance.now() + timeoutMs
  for (let delayMs = MIN_RETRY_DELAY_MS; ; delayMs = Math.min(2 * delayMs, MAX_RETRY_DELAY_MS)) {
    try {
      return await operation()
    } catch (error) {
      if (!(error instanceof LaresError) || !error.retryable || signal?.aborted) throw error
      if (performance.now() + delayMs > endsAt) throw error
      onRetry?.(error)
      // Half of the wait is fixed and half is random, so that many waiting clients do not retry together.
      await wait(Math.max(error.retryAfterMs ?? 0, delayMs / 2 + (delayMs / 2) * Math.random()), undefined, {
        ...(signal && { signal }),
      })
    }
  }
}
