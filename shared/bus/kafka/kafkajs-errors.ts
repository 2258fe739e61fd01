import type { LaresError } from '../../base/errors.ts'
import { kafkaError } from './errors.ts'

/** Kafka's name for the protocol error within an error of kafkajs. */
export function kafkaErrorName(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const {
    type,
    errors = [],
    cause,
  } = error as Error & { type?: unknown; errors?: unknown[]; cause?: unknown }
  if (typeof type === 'string') return type
  for (const inner of [...errors, cause]) {
    const name = kafkaErrorName(inner)
    if (name !== undefined) return name
  }
  return undefined
}

export const kafkajsError = (problem: string, cause: unknown): LaresError =>
  kafkaError(problem, kafkaErrorName(cause), cause)
