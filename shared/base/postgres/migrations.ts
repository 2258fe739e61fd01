import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { LaresError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { LARES_VERSION, newerDataError } from '../version.ts'
import { toDatabaseError } from './errors.ts'

/** A change of a schema. Its statements run in one transaction. */
export type Migration = { name: string; statements: string }

export type MigrateOptions = {
  url: string
  displayName: string
  /** The schema with the tables. The number of rows in its table `migrations` is the schema's version. */
  schema?: 'lares' | 'lares_keys'
  migrations: Migration[]
  log: Logger
  /** How long a start waits for an unreachable server: all services may be starting at once. */
  waitMs: number
}

/** A start waits for a server that is starting (57P03) or not there yet. Any other error ends the start at once. */
const UNREACHABLE = /^(57P03|ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN)$/
const RETRY_DELAY_MS = 250

/**
 * Brings a schema up to date and then runs `afterwards` on the same connection. Each migration is one transaction,
 * which holds a lock and reads again which migrations have run. So processes that start together take turns. A start
 * that is killed half way leaves complete migrations, and the next start continues. Errors: `unavailable`;
 * `invalid_config` for a schema of a newer Lares, which stays as it is.
 */
export async function migrate<T>(
  { schema = 'lares', ...options }: MigrateOptions,
  afterwards: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const { url, displayName, log, waitMs } = options
  const client = await connectWithRetry(url, displayName, log, performance.now() + waitMs)
  try {
    await requireUtf8(client, displayName)
    while (await migrateNext(client, { ...options, schema }));
    return await afterwards(client)
  } catch (error) {
    throw toDatabaseError(error, displayName)
  } finally {
    await client.end().catch(error => log.debug({ err: error }, 'the connection for migrations was lost'))
  }
}

/** Runs `work` in a transaction that excludes all other migrating processes. */
export async function withMigrationLock<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN')
  try {
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('lares.migrations', 0))`)
    const value = await work()
    await client.query('COMMIT')
    return value
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/** Runs the first migration that has not run. Returns false when all have run. */
const migrateNext = (
  client: pg.Client,
  { schema, migrations, displayName, log }: Required<MigrateOptions>,
): Promise<boolean> =>
  withMigrationLock(client, async () => {
    const done = await readSchemaVersion(client, schema)
    if (done > migrations.length) {
      const writer = await readWriter(client, schema, done)
      throw newerDataError({ what: displayName, found: done, known: migrations.length, writer })
    }
    const next = migrations[done]
    if (!next) return false
    await client.query(createMigrationsTable(schema))
    await client.query(next.statements)
    await client.query(`INSERT INTO ${schema}.migrations (number, name, lares) VALUES ($1, $2, $3)`, [
      done + 1,
      next.name,
      LARES_VERSION,
    ])
    log.info(
      { schema, migration: next.name, to: done + 1, lares: LARES_VERSION },
      `${displayName} was migrated`,
    )
    return true
  })

/** `lares` is the version of Lares that ran the migration. Lares 0.1.0 did not write it. */
const createMigrationsTable = (schema: string) => `
  CREATE SCHEMA IF NOT EXISTS ${schema};
  CREATE TABLE IF NOT EXISTS ${schema}.migrations (
    number integer PRIMARY KEY, name text NOT NULL, at timestamptz NOT NULL DEFAULT now());
  ALTER TABLE ${schema}.migrations ADD COLUMN IF NOT EXISTS lares text`

/** 0 for a schema that no migration has created. */
export async function readSchemaVersion(client: Pick<pg.Client, 'query'>, schema: string): Promise<number> {
  const { rows } = await client.query('SELECT to_regclass($1) IS NOT NULL AS exists', [
    `${schema}.migrations`,
  ])
  if (!rows[0].exists) return 0
  const counted = await client.query(`SELECT count(*)::integer AS done FROM ${schema}.migrations`)
  return counted.rows[0].done
}

async function readWriter(client: pg.Client, schema: string, version: number): Promise<string | undefined> {
  const { rows } = await client.query(
    `SELECT to_jsonb(m) ->> 'lares' AS lares FROM ${schema}.migrations m WHERE number = $1`,
    [version],
  )
  return rows[0]?.lares ?? undefined
}

export async function connectWithRetry(
  url: string,
  displayName: string,
  log: Logger,
  deadline: number,
): Promise<pg.Client> {
  for (let isLogged = false; ; isLogged = true) {
    // This connection has no timeouts: a migration takes as long as it needs.
    const client = new pg.Client({ connectionString: url, application_name: 'lares migrations' })
    client.on('error', error => log.debug({ err: error }, 'the connection for migrations was lost'))
    try {
      await client.connect()
      return client
    } catch (error) {
      if (!UNREACHABLE.test((error as { code?: string }).code ?? '') || performance.now() > deadline)
        throw toDatabaseError(error, displayName)
      if (!isLogged) log.warn({ err: error }, `${displayName} is not there yet; waiting for it`)
      await wait(RETRY_DELAY_MS)
    }
  }
}

async function requireUtf8(client: pg.Client, displayName: string): Promise<void> {
  const { rows } = await client.query('SHOW server_encoding')
  if (rows[0].server_encoding !== 'UTF8')
    throw new LaresError(
      'unavailable',
      `${displayName} keeps its text in ${rows[0].server_encoding}; make one with: CREATE DATABASE lares ENCODING 'UTF8' TEMPLATE template0`,
      { retryable: false },
    )
}
