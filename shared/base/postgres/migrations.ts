import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { LaresError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { toDatabaseError } from './errors.ts'

/** A change of the schema `lares`; its statements run in one transaction. */
export type Migration = { name: string; statements: string }

export type MigrateOptions = {
  url: string
  displayName: string
  migrations: Migration[]
  log: Logger
  /** How long a server that is away is waited for: everything may be starting at once. */
  waitMs: number
}

/** Servers that are starting (57P03) or not there yet are waited for; all other troubles are told at once. */
const UNREACHABLE = /^(57P03|ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN)$/
const RETRY_DELAY_MS = 250

/**
 * Brings the schema `lares` up to date and then runs `afterwards` on the same connection. Each migration is one
 * transaction that holds a lock and looks again at what is done, so starters that come together take turns, and one that
 * is stopped half way leaves whole migrations. Errors: `unavailable`.
 */
export async function migrate<T>(
  { url, displayName, migrations, log, waitMs }: MigrateOptions,
  afterwards: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connectWithRetry(url, displayName, log, performance.now() + waitMs)
  try {
    await requireUtf8(client, displayName)
    while (await migrateNext(client, migrations, displayName, log));
    return await afterwards(client)
  } catch (error) {
    throw toDatabaseError(error, displayName)
  } finally {
    await client.end().catch(error => log.debug({ err: error }, 'the connection for migrations was lost'))
  }
}

/** Runs `work` in a transaction that no other process that migrates can be in at the same time. */
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

/** Runs the first migration that has not run; false when there is none. */
const migrateNext = (
  client: pg.Client,
  migrations: Migration[],
  displayName: string,
  log: Logger,
): Promise<boolean> =>
  withMigrationLock(client, async () => {
    await client.query(
      `CREATE SCHEMA IF NOT EXISTS lares;
       CREATE TABLE IF NOT EXISTS lares.migrations (number integer PRIMARY KEY, name text NOT NULL, at timestamptz NOT NULL DEFAULT now())`,
    )
    const { rows } = await client.query('SELECT count(*)::integer AS done FROM lares.migrations')
    const done: number = rows[0].done
    if (done > migrations.length)
      throw new LaresError(
        'unavailable',
        `${displayName} was written by a newer Lares (schema ${done}, this one knows ${migrations.length})`,
      )
    const next = migrations[done]
    if (!next) return false
    await client.query(next.statements)
    await client.query('INSERT INTO lares.migrations (number, name) VALUES ($1, $2)', [done + 1, next.name])
    log.info({ migration: next.name }, 'the database was migrated')
    return true
  })

export async function connectWithRetry(
  url: string,
  displayName: string,
  log: Logger,
  deadline: number,
): Promise<pg.Client> {
  for (let isLogged = false; ; isLogged = true) {
    // No timeouts: a migration takes as long as it takes.
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
