import type { LaresError } from '../../base/errors.ts'
import { kafkaError } from './errors.ts'

/** Kafka's name for the first protocol error within an error of the library. */
export function kafkaErrorName(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { apiId, errors = [], cause } = error as Error & { apiId?: string; errors?: unknown[] }
  if (apiId !== undefined) return apiId
  // The library throws this metadata error without Kafka's name for it.
  if (/^Unknown topic /.test(error.message)) return 'UNKNOWN_TOPIC_OR_PARTITION'
  for (const inner of [...errors, cause]) {
    const name = kafkaErrorName(inner)
    if (name !== undefined) return name
  }
  return undefined
}

export const platformaticError = (problem: string, cause: unknown): LaresError =>
  kafkaError(problem, kafkaErrorName(cause), cause)
