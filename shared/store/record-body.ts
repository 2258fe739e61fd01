import * as z from 'zod'
import { LaresError } from '../base/errors.ts'
import type { JsonRecord } from './store.ts'

/**
 * Parses a record's body with its collection's schema. Errors: `rejected`, which names the record and the remedy. Any
 * earlier writer may have stored a wrong shape, and it must not travel on.
 */
export function parseRecordBody<Schema extends z.ZodType>(
  schema: Schema,
  collection: string,
  { id, person, body }: Pick<JsonRecord, 'id' | 'person' | 'body'>,
): z.output<Schema> {
  const { data, error } = schema.safeParse(body)
  if (!error) return data as z.output<Schema>
  const owner = person === '' ? '' : ` of ${person}`
  throw new LaresError(
    'rejected',
    `the record "${id}"${owner} in the collection "${collection}" has a wrong form: ${z.prettifyError(error)}; restore it from a backup, or remove it from the store`,
    { cause: error },
  )
}
