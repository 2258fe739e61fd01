import { join } from 'node:path'
import * as z from 'zod'
import type { Environment } from '../../../shared/config/environment.ts'
import type { Operations } from '../../../shared/operations/open-operations.ts'
import {
  deadLetterDetailsSchema,
  deadLetterSchema,
  operationStatusSchema,
} from '../../../shared/operations/operations.ts'
import { traceSchema } from '../../../shared/operations/trace-types.ts'
import { connectToGateway } from '../connection.ts'

export const STACK_FILE = join(import.meta.dirname, '..', '..', '..', 'stack.yml')

const deadLetterListSchema = z.object({ deadLetters: z.array(deadLetterSchema) })
const deadLetterPath = (id: string) => `/api/dead-letters/${encodeURIComponent(id)}`

/** Uses the gateway, which serves the operations in every deployment. Errors: those of `connectToGateway`. */
export async function connectOperations(environment: Environment): Promise<Operations> {
  const client = await connectToGateway(environment)
  return {
    status: () => client.request('/api/status', operationStatusSchema),
    trace: ({ id, turns }) =>
      client.request(`/api/trace/${encodeURIComponent(id)}?turns=${turns}`, traceSchema),
    deadLetters: {
      list: async () => (await client.request('/api/dead-letters', deadLetterListSchema)).deadLetters,
      show: id => client.request(deadLetterPath(id), deadLetterDetailsSchema),
      retry: id => client.request(`${deadLetterPath(id)}/retry`, deadLetterSchema, { method: 'POST' }),
    },
  }
}
