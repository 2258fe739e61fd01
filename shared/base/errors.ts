/**
 * Every failure that crosses a function boundary in Lares has one of these codes. A code decides the HTTP status and
 * whether a retry can help.
 */
const errorTable = {
  invalid_event: { status: 400, retryable: false },
  invalid_request: { status: 400, retryable: false },
  invalid_config: { status: 422, retryable: false },
  unauthorized: { status: 401, retryable: false },
  forbidden: { status: 403, retryable: false },
  not_found: { status: 404, retryable: false },
  too_large: { status: 413, retryable: false },
  unsupported_media_type: { status: 415, retryable: false },
  misdirected: { status: 421, retryable: true },
  unknown_type: { status: 422, retryable: false },
  /** The person was forgotten. The work ends, and this is not a failure. */
  forgotten: { status: 410, retryable: false },
  conflict: { status: 409, retryable: false },
  key_reused: { status: 422, retryable: false },
  rejected: { status: 422, retryable: false },
  undeclared_event: { status: 422, retryable: false },
  invalid_result: { status: 422, retryable: false },
  busy: { status: 429, retryable: true },
  failed: { status: 500, retryable: true },
  unavailable: { status: 503, retryable: true },
  deadline_exceeded: { status: 504, retryable: true },
} as const

export type ErrorCode = keyof typeof errorTable

export type ErrorDetails = {
  cause?: unknown
  /** Overrides the code's retryability. */
  retryable?: boolean
  /** How long the caller should wait before it retries. */
  retryAfterMs?: number
}

/** The error type of Lares. `message` names the mistake and the remedy. */
export class LaresError extends Error {
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'LaresError'
    this.code = code
    this.retryable = details.retryable ?? errorTable[code].retryable
    this.retryAfterMs = details.retryAfterMs
  }

  /**
   * The HTTP status of this error. A retryable error never has a status that callers take as final. A final error never
   * has a status that callers retry.
   */
  get status(): number {
    const status = errorTable[this.code].status
    if (this.retryable === errorTable[this.code].retryable) return status
    return this.retryable ? 503 : 422
  }
}

const MAX_STACK_LENGTH = 4_000

/**
 * The stack, with file and line, of an error that a handler threw and that is not a LaresError. It holds at most 4,000
 * characters. Undefined for any other error, because its message is enough.
 */
export function authorStackOf(error: LaresError): string | undefined {
  const { cause } = error
  if (error.code !== 'failed' || !(cause instanceof Error) || cause instanceof LaresError) return undefined
  return cause.stack?.slice(0, MAX_STACK_LENGTH)
}

/** Rebuilds the cause of an error that another process reports, with the stack from that process. */
export const remoteCause = (message: string, stack: string): Error =>
  Object.assign(new Error(message), { stack })

/** Wraps any thrown value. A value that is not a LaresError becomes a `failed` error, which can be retried. */
export function toLaresError(thrown: unknown): LaresError {
  if (thrown instanceof LaresError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new LaresError('failed', message, { cause: thrown })
}
