import pg from 'pg'
import type { Logger } from '../log.ts'
import { isConnectionUsable, toDatabaseError } from './errors.ts'
import { escapeNul, unescapeNul } from './text.ts'

/**
 * Runs one statement with the values $1, $2 and so on. int8 becomes a number, and text with NUL comes back unchanged.
 */
export type Query = <Row extends object>(text: string, values?: unknown[]) => Promise<Row[]>

/**
 * A pool of connections to one PostgreSQL server. A broken connection leaves the pool, and the next call opens a new
 * one. So the pool uses an unreachable server again as soon as it is back. Errors of all calls: `unavailable` (the
 * server is unreachable, in recovery, full or too slow), `invalid_request` (data that the server refuses).
 */
export type Database = {
  /** Runs one statement in a transaction of its own. */
  query: Query
  /**
   * Commits the changes of `work` when it resolves. When `work` throws, the transaction is rolled back and its error is
   * thrown again.
   */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>
  /** Opens a read-only connection. As long as it is open, it sees the database as it is now. */
  snapshot(): Promise<{ query: Query; close(): Promise<void> }>
  /** The URL without the password. */
  displayName: string
  close(): Promise<void>
}

export type PoolOptions = {
  /** postgres://user:password@host:port/database, with any libpq parameter that `pg` knows. */
  url: string
  log: Logger
  /** The maximum number of connections of this process. */
  poolSize: number
  /** The server cancels a statement that takes longer. */
  statementTimeoutMs: number
}

/** How long a caller waits for a free or new connection. */
const CONNECT_TIMEOUT_MS = 5_000
/**
 * The client gives up this much later than the server, so that an unreachable server does not block a call for ever.
 */
const GRACE_MS = 5_000

export function openPool({ url, log, poolSize, statementTimeoutMs }: PoolOptions): Database {
  const displayName = displayNameOf(url)
  const pool = new pg.Pool({
    application_name: 'lares',
    keepAlive: true,
    types: typeParsers,
    max: poolSize,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + GRACE_MS,
    // A process that stops within a step must not block its conversation.
    idle_in_transaction_session_timeout: statementTimeoutMs,
    connectionString: url,
  })
  // No other listener handles a connection that breaks between two statements of a transaction. Its next statement
  // fails.
  pool.on('connect', client =>
    client.on('error', error => log.warn({ err: error }, 'a connection to PostgreSQL was lost')),
  )
  // The listener above logs the error; the pool replaces the connection.
  pool.on('error', () => undefined)
  const connect = () =>
    pool.connect().catch(error => {
      throw toDatabaseError(error, displayName)
    })
  const withConnection = async <T>(
    work: (query: Query) => Promise<T>,
    rollback: (query: Query) => Promise<unknown>,
  ) => {
    const client = await connect()
    const query = createQuery(client, displayName)
    let isUsable = true
    try {
      return await work(query)
    } catch (error) {
      isUsable =
        isConnectionUsable(error) &&
        (await rollback(query).then(
          () => true,
          () => false,
        ))
      throw error
    } finally {
      client.release(!isUsable)
    }
  }
  return {
    displayName,
    query: (text, values) =>
      withConnection(
        query => query(text, values),
        async () => undefined,
      ),
    transaction: work =>
      withConnection(
        async query => {
          await query('BEGIN')
          const value = await work(query)
          await query('COMMIT')
          return value
        },
        query => query('ROLLBACK'),
      ),
    async snapshot() {
      const client = await connect()
      const query = createQuery(client, displayName)
      try {
        // The reader may be slow: it writes to a file or over a network between two statements.
        await query(
          'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0; SELECT 1',
        )
      } catch (error) {
        client.release(true)
        throw error
      }
      // The pool does not use the connection again, which also ends its transaction.
      return { query, close: async () => client.release(true) }
    },
    close: () => pool.end(),
  }
}

const BIGINT = 20
const TEXT = 25

const typeParsers: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === BIGINT) return Number
    if (oid === TEXT) return unescapeNul
    return pg.types.getTypeParser(oid, format as 'text')
  }) as pg.CustomTypesConfig['getTypeParser'],
}

/** Names of this process's statements by their text. The server plans a named statement once for each connection. */
const statementNames = new Map<string, string>()

function statementName(text: string): string {
  const name = statementNames.get(text) ?? `lares_${statementNames.size}`
  statementNames.set(text, name)
  return name
}

function createQuery(client: pg.ClientBase, displayName: string): Query {
  return async <Row extends object>(text: string, values?: unknown[]) => {
    const statement = values ? { name: statementName(text), text, values: values.map(escapeText) } : text
    const { rows } = await client.query<Row>(statement).catch(error => {
      throw toDatabaseError(error, displayName)
    })
    return rows
  }
}

const escapeText = (value: unknown): unknown => {
  if (typeof value === 'string') return escapeNul(value)
  return Array.isArray(value) ? value.map(escapeText) : value
}

function displayNameOf(url: string): string {
  const { hostname, port, pathname } = new URL(url)
  return `the database ${hostname}:${port || 5432}${pathname}`
}
