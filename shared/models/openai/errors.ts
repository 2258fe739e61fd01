import { LaresError } from '../../base/errors.ts'
import { parseRetryAfterMs } from '../../base/retry-after.ts'
import { errorMessageOf } from './wire-format.ts'

/** The error for an unsuccessful HTTP answer. */
export function responseError(response: Response, body: string): LaresError {
  const { status } = response
  const message = `the model server answered ${status}: ${errorMessageOf(body) || response.statusText}`
  const retryAfterMs = retryAfterMsOf(response.headers)
  // OpenAI also answers 429 for an account without money, and waiting does not help then.
  if (status === 429 && body.includes('insufficient_quota')) return new LaresError('rejected', message)
  if (status === 429) return new LaresError('busy', message, { retryAfterMs })
  if (status >= 500 || status === 408 || status === 425)
    return new LaresError('unavailable', message, { retryAfterMs })
  if (status === 401 || status === 403) return new LaresError('rejected', `${message} (check OPENAI_API_KEY)`)
  if (status === 404) return new LaresError('rejected', `${message} (check OPENAI_BASE_URL and LARES_MODEL)`)
  return new LaresError('rejected', message)
}

/** The error for a connection that could not be made, or broke. */
export function connectionError(cause: unknown, url: string): LaresError {
  if (cause instanceof LaresError) return cause
  const reasons = [cause, cause instanceof Error ? cause.cause : undefined].filter(
    error => error instanceof Error,
  )
  const messages = reasons.map(reason =>
    [(reason as NodeJS.ErrnoException).code, reason.message].filter(Boolean).join(' '),
  )
  return new LaresError(
    'unavailable',
    `the model server at ${url} cannot be reached: ${messages.join(': ')}`,
    {
      cause,
    },
  )
}

/** OpenAI also sends `retry-after-ms`, which is more exact. */
function retryAfterMsOf(headers: Headers): number | undefined {
  const ms = Number(headers.get('retry-after-ms') ?? Number.NaN)
  return ms >= 0 ? ms : parseRetryAfterMs(headers.get('retry-after'))
}
