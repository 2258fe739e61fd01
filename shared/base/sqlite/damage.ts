import { basename } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { LaresError } from '../errors.ts'

/** Primary result codes for a file that SQLite cannot read as a database: https://sqlite.org/rescode.html */
const DAMAGE_CODES = new Set([11, 26])

/** The remedy for each damaged file, written for an operator. */
const REMEDIES: Record<string, string> = {
  'bus.db':
    'conversations are in another file and are safe. Save them with "lares export FILE --unfinished", then move bus.db away: the next start makes a new one',
  'conversations.db':
    'put the file back from a backup; without one, save what can be read with "sqlite3 conversations.db .recover"',
  'vectors.db': 'move the file away, then run "lares memory rebuild", which makes it anew',
  'keys.db': 'put the file back from its own backup: without it nobody can read what is encrypted',
}

const firstDamage = new WeakMap<DatabaseSync, string>()

export const isDamageError = (error: unknown): boolean =>
  DAMAGE_CODES.has(((error as { errcode?: number }).errcode ?? 0) & 0xff)

export function describeDamage(file: string, reason: string): string {
  const remedy = REMEDIES[basename(file)] ?? 'put it back from a backup'
  return `the database ${file} is damaged (${reason}): stop Lares first; ${remedy}`
}

/**
 * Makes each error of a damaged file name the file and the remedy, whichever statement meets it. Remembers the first
 * such error for `requireUndamaged`.
 */
export function nameDamage(database: DatabaseSync, file: string): DatabaseSync {
  const naming =
    <Args extends unknown[], Result>(call: (...args: Args) => Result) =>
    (...args: Args): Result => {
      try {
        return call(...args)
      } catch (error) {
        throw rename(error)
      }
    }
  const rename = (error: unknown) => {
    if (!isDamageError(error)) return error
    const known = error as Error
    if (!known.message.includes(file)) known.message = describeDamage(file, known.message)
    if (!firstDamage.has(database)) firstDamage.set(database, known.message)
    return known
  }
  const prepare = database.prepare.bind(database)
  database.exec = naming(database.exec.bind(database))
  database.prepare = naming((...args: Parameters<typeof prepare>) => {
    const statement = prepare(...args)
    statement.run = naming(statement.run.bind(statement)) as StatementSync['run']
    statement.get = naming(statement.get.bind(statement)) as StatementSync['get']
    statement.all = naming(statement.all.bind(statement)) as StatementSync['all']
    const iterate = statement.iterate.bind(statement)
    statement.iterate = function* (...values: Parameters<typeof iterate>) {
      try {
        yield* iterate(...values)
      } catch (error) {
        throw rename(error)
      }
      return undefined
    } as StatementSync['iterate']
    return statement
  })
  return database
}

/**
 * Errors: `unavailable` once any statement has found the file damaged, even though other statements may still succeed.
 */
export function requireUndamaged(database: DatabaseSync): void {
  const message = firstDamage.get(database)
  if (message !== undefined) throw new LaresError('unavailable', message)
}
