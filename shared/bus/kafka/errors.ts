import { type ErrorCode, LaresError } from '../../base/errors.ts'

/** Kafka's error names (protocol guide, "Error Codes") that mean more than a passing failure. */
const errorCodes: Record<string, ErrorCode> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'not_found',
  UNKNOWN_TOPIC_ID: 'not_found',
  INVALID_TOPIC_EXCEPTION: 'not_found',
  MESSAGE_TOO_LARGE: 'too_large',
  RECORD_LIST_TOO_LARGE: 'too_large',
  NON_EMPTY_GROUP: 'busy',
  TOPIC_AUTHORIZATION_FAILED: 'forbidden',
  GROUP_AUTHORIZATION_FAILED: 'forbidden',
  CLUSTER_AUTHORIZATION_FAILED: 'forbidden',
}

/**
 * Converts an error of a client library to an error of the port. `name` is Kafka's name for the error, if it has one.
 */
export function kafkaError(problem: string, name: string | undefined, cause: unknown): LaresError {
  if (cause instanceof LaresError) return cause
  const reason = cause instanceof Error ? rootCause(cause).message : String(cause)
  const code = errorCodes[name ?? ''] ?? 'unavailable'
  return new LaresError(code, `Kafka: ${problem}: ${name === undefined ? reason : `${reason} (${name})`}`, {
    cause,
  })
}

/** Clients wrap errors; the innermost error names the cause. */
function rootCause(error: Error): Error {
  const { errors, cause } = error as Error & { errors?: unknown[]; cause?: unknown }
  const inner = errors?.at(-1) ?? cause
  return inner instanceof Error ? rootCause(inner) : error
}
