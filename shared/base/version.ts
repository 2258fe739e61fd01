import { LaresError } from './errors.ts'

/** The version of this Lares, as in package.json. Data carries the version that migrated it. */
export const LARES_VERSION = '0.2.0'

export type NewerData = {
  /** The name of the opened file or database in messages. */
  what: string
  /** The format of the data, and the newest format that this Lares knows. */
  found: number
  known: number
  /** The version of Lares that wrote the format, where the data names it. */
  writer?: string | undefined
  /** When true, the error asks the caller to retry, as while a newer Lares is being installed. */
  isRetryable?: boolean
}

/** Creates the error of a start that finds data of a newer Lares. The start throws it before it changes anything. */
export function newerDataError({ what, found, known, writer, isRetryable }: NewerData): LaresError {
  const needed = writer === undefined ? 'a newer Lares' : `Lares ${writer} or later`
  return new LaresError(
    isRetryable ? 'unavailable' : 'invalid_config',
    `${what} was written by a newer Lares (schema ${found}, this one knows ${known}): start ${needed}; this start changed nothing`,
  )
}
