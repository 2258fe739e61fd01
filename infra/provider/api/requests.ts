import type { FastifyRequest } from 'fastify'
import * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'
import { NAMESPACE } from '../deployment.ts'

/**
 * Parses a body as JSON whatever its content type, because OpenFaaS's clients do not agree on one. Errors:
 * `invalid_request`.
 */
export function parseBody<T extends z.ZodType>(schema: T, { body }: FastifyRequest): z.output<T> {
  const result = schema.safeParse(parseJson(body))
  if (result.success) return result.data
  throw new LaresError('invalid_request', z.prettifyError(result.error))
}

function parseJson(body: unknown): unknown {
  try {
    return JSON.parse(String(body))
  } catch (cause) {
    throw new LaresError('invalid_request', `the body is not JSON: ${(cause as Error).message}`, { cause })
  }
}

/** NAME or NAME.NAMESPACE. */
export const parseFunctionName = (text: string): string => text.replace(new RegExp(`\\.${NAMESPACE}$`), '')
