import { LaresError } from './errors.ts'

/** The version of this Lares, as in package.json. Data is marked with the version that migrated it. */
export const LARES_VERSION = '0.2.0'

export type NewerData = {
  /** The name of the opened thing in messages. */
  what: string
  /** The format of the data, and the newest that this Lares knows. */
  found: number
  known: number
  /** The version of Lares that wrote the format, where the data says so. */
  writer?: string | undefined
  /** The reader may wait for the newer Lares that is being installed: the error says to try again. */
  isRetryable?: boolean
}

/** The error of a start with data of a newer Lares, which is thrown before anything is changed. */
export function newerDataError({ what, found, known, writer, isRetryable }: NewerData): LaresError {
  const needed = writer === undefined ? 'a newer Lares' : `Lares ${writer} or later`
  return new LaresError(
    isRetryable ? 'unavailable' : 'invalid_config',
    `${what} was written by a newer Lares (schema ${found}, this one knows ${known}): start ${needed}; this start changed nothing`,
  )
}
