import type { DatabaseSync } from 'node:sqlite'
import { type Logger, silentLogger } from '../log.ts'
import { LARES_VERSION, newerDataError } from '../version.ts'

export type MigrateOptions = {
  /** The file's name in messages: "the database /data/keys.db". */
  what: string
  /** The statements of each version, from 1 on. `PRAGMA user_version` holds the number of migrations that have run. */
  migrations: readonly string[]
  /** Receives a message when an existing file is migrated. */
  log?: Logger | undefined
}

/**
 * Records which version of Lares created which version of the file. An older Lares reads this table to name the version
 * that it needs.
 */
const CREATE_VERSIONS = `
  CREATE TABLE IF NOT EXISTS schema_versions (
    version INTEGER PRIMARY KEY, lares TEXT NOT NULL, migrated_at TEXT NOT NULL) STRICT`

/**
 * Brings a file up to date. All missing migrations and their record are one transaction, so a killed process leaves the
 * file as it was. Processes that start together take turns. Errors: `invalid_config` for a file of a newer Lares, which
 * stays as it is; SQLite's own errors.
 */
export function migrateDatabase(
  database: DatabaseSync,
  { what, migrations, log = silentLogger }: MigrateOptions,
): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    const from = readSchemaVersion(database)
    const to = migrations.length
    if (from > to) throw newerDataError({ what, found: from, known: to, writer: readWriter(database, from) })
    const isNew = !hasTables(database)
    if (from < to) runMigrations(database, migrations, from)
    database.exec('COMMIT')
    if (from < to && !isNew) log.info({ from, to, lares: LARES_VERSION }, `${what} was migrated`)
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

export const readSchemaVersion = (database: DatabaseSync): number =>
  Number(database.prepare('PRAGMA user_version').get()!.user_version)

const hasTables = (database: DatabaseSync): boolean =>
  database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' LIMIT 1").get() !== undefined

function runMigrations(database: DatabaseSync, migrations: readonly string[], from: number): void {
  for (const migration of migrations.slice(from)) database.exec(migration)
  database.exec(CREATE_VERSIONS)
  const record = database.prepare('INSERT OR REPLACE INTO schema_versions VALUES (?, ?, ?)')
  const at = new Date().toISOString()
  for (let version = from + 1; version <= migrations.length; version++) record.run(version, LARES_VERSION, at)
  database.exec(`PRAGMA user_version = ${migrations.length}`)
}

function readWriter(database: DatabaseSync, version: number): string | undefined {
  const isRecorded = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'schema_versions'").get()
  if (!isRecorded) return undefined
  const row = database.prepare('SELECT lares FROM schema_versions WHERE version = ?').get(version)
  return row === undefined ? undefined : String(row.lares)
}
