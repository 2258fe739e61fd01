import { setTimeout as wait } from 'node:timers/promises'
import * as z from 'zod'
import { type ErrorCode, LaresError } from '../../shared/base/errors.ts'

/** More than the gateway itself waits for the bus before it answers. */
const ANSWER_LIMIT_MS = 20_000
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 3_000

export type Address = { url: string; token: string }

export type Asked = {
  method?: 'GET' | 'POST'
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal | undefined
}

/** The gateway's HTTP API. Errors: those that it answers with; `unavailable` when nothing answers. */
export type GatewayClient = Address & {
  /** Any status is an answer here. */
  fetch(path: string, asked?: Asked): Promise<Response>
  /** Errors also: `invalid_result` when the answer is not of that shape. */
  ask<T extends z.ZodType>(path: string, schema: T, asked?: Asked): Promise<z.output<T>>
}

export const accepted = z.object({ id: z.string(), conversation: z.string() })

export const row = z.object({
  id: z.string(),
  role: z.enum(['user', 'assistant']),
  text: z.string(),
  inReplyTo: z.string().nullable(),
  createdAt: z.string(),
  status: z.enum(['queued', 'answering', 'answered', 'completed', 'failed', 'interrupted']),
})
export type Row = z.infer<typeof row>

/** Whether the turn of a person's message has ended, with a reply of its own or together with a later one. */
export const isOver = (status: Row['status'] | undefined): boolean =>
  status !== undefined && status !== 'queued' && status !== 'answering'

export const rows = z.object({ messages: z.array(row) })

export function openGatewayClient({ url, token }: Address): GatewayClient {
  const base = url.replace(/\/$/, '')
  const send = async (path: string, { method = 'GET', body, headers, signal }: Asked = {}) => {
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
      throw unreachable(base, cause, signal)
    })
  }
  return {
    url: base,
    token,
    fetch: send,
    async ask(path, schema, asked = {}) {
      const signal = AbortSignal.any([
        AbortSignal.timeout(ANSWER_LIMIT_MS),
        ...(asked.signal ? [asked.signal] : []),
      ])
      const response = await send(path, { ...asked, signal })
      // The body may break off too.
      const text = await response.text().catch(cause => {
        throw unreachable(base, cause, signal)
      })
      if (!response.ok) throw refusal(base, response, text)
      return read(base + path, schema, text)
    },
  }
}

function read<T extends z.ZodType>(url: string, schema: T, text: string): z.output<T> {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new LaresError('invalid_result', `what ${url} answers is not of this version of Lares`, { cause })
  }
}

function unreachable(url: string, cause: unknown, signal?: AbortSignal): LaresError {
  const { message, cause: below } = cause as Error
  const timedOut = signal?.aborted && (signal.reason as Error)?.name === 'TimeoutError'
  const reason = timedOut ? 'it does not answer' : ((below as NodeJS.ErrnoException)?.code ?? message)
  return new LaresError(
    'unavailable',
    `there is no gateway at ${url} (${reason}): start it with "npm start", or say where it is in LARES_URL`,
    { cause },
  )
}

const CODES: Record<number, ErrorCode> = {
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

/** The gateway's own words, with the remedy where it lies on this side. */
export function refusal(url: string, response: Response, text: string): LaresError {
  const { status, headers } = response
  const code = CODES[status] ?? (status < 500 ? 'rejected' : 'failed')
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  const remedy = code === 'unauthorized' ? `; the token in use is not one of ${url}: set LARES_TOKEN` : ''
  return new LaresError(
    code,
    `${messageIn(text) ?? `the gateway answered ${status}`}${remedy}`,
    Number.isFinite(seconds) ? { retryAfterMs: seconds * 1000 } : {},
  )
}

function messageIn(text: string): string | undefined {
  try {
    return z.object({ error: z.object({ message: z.string() }) }).parse(JSON.parse(text)).error.message
  } catch {
    return undefined
  }
}

export type Persistence = {
  /** Milliseconds after which the last error is thrown. */
  limitMs: number
  signal?: AbortSignal | undefined
  onRetry?(error: LaresError): void
}

/** Tries again, with growing waits, as long as that can help. The work must be safe to repeat. */
export async function persist<T>(
  work: () => Promise<T>,
  { limitMs, signal, onRetry }: Persistence,
): Promise<T> {
  const endsAt = performance.now() + limitMs
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof LaresError) || !error.retryable || signal?.aborted) throw error
      if (performance.now() + waitMs > endsAt) throw error
      onRetry?.(error)
      // Half fixed, half random, so that many who wait do not come back together.
      await wait(Math.max(error.retryAfterMs ?? 0, waitMs / 2 + (waitMs / 2) * Math.random()), undefined, {
        ...(signal && { signal }),
      })
    }
  }
}
