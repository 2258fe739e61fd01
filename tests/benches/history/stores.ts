import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { openPostgresStore } from '../../../shared/store/postgres/postgres-store.ts'
import { openSqliteStore } from '../../../shared/store/sqlite/sqlite-store.ts'
import type { Store } from '../../../shared/store/store.ts'
import type { PostgresServer } from '../../support/stores/postgres.ts'
import { copyLines, historyRows, type LoadedRow } from './rows.ts'

/** A store with a history in it, and bare ways to write into the same engine. */
export type LoadedStore = {
  store: Store
  /** Rows a second into a table without any index, in the quickest way that the engine has. */
  baselineBulk(rows: number): Promise<number>
  /** Rows a second, one durable transaction each, from `writers` at once, into a table with a primary key. */
  baselineSingle(rows: number, writers: number): Promise<number>
  close(): Promise<void>
}

export async function loadPostgres(server: PostgresServer, rows: number): Promise<LoadedStore> {
  const url = await server.database()
  const store = await openPostgresStore({ url, poolSize: 16 })
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const copy = (target: string, count: number, line: (row: LoadedRow) => (string | number)[]) =>
    pipeline(Readable.from(copyLines(count, line)), client.query(copyFrom(`COPY ${target} FROM STDIN`)))
  await withoutIndexes(client, async () => {
    await copy('lares.messages (conversation, at, id, role, text, in_reply_to, created_at)', rows, row => [
      row.conversation,
      row.createdAt,
      row.id,
      'user',
      row.text,
      '\\N',
      row.createdAt,
    ])
    await copy('lares.message_states (id, conversation, at, status, sequence)', rows, row => [
      row.id,
      row.conversation,
      row.createdAt,
      'answered',
      row.n,
    ])
  })
  await client.query(`
    INSERT INTO lares.conversations (id, person, created_at)
    SELECT conversation, 'owner', min(created_at) FROM lares.messages GROUP BY conversation;
    SELECT setval('lares.changes', ${rows})`)
  await client.query('VACUUM ANALYZE')
  await client.query('CREATE TABLE bulk (id text, conversation text, text text, created_at timestamptz)')
  await client.query(
    'CREATE TABLE single (id text PRIMARY KEY, conversation text, text text, created_at timestamptz)',
  )
  return {
    store,
    baselineBulk: count =>
      measureRate(count, () =>
        copy('bulk', count, row => [row.id, row.conversation, row.text, row.createdAt]),
      ),
    async baselineSingle(count, writers) {
      const pool = new pg.Pool({ connectionString: url, max: writers })
      const lines = [...historyRows(count)]
      const values = ({ id, conversation, text, createdAt }: LoadedRow) => [id, conversation, text, createdAt]
      const insert = { name: 'insert', text: 'INSERT INTO single VALUES ($1, $2, $3, $4)' }
      const rate = await measureRate(count, () =>
        forEachConcurrently(lines, writers, row => pool.query({ ...insert, values: values(row) })),
      )
      await pool.end()
      return rate
    },
    async close() {
      await client.end()
      await store.close()
    },
  }
}

/** An index that is created after the load takes a fraction of the time; the result is the same. */
async function withoutIndexes(client: pg.Client, load: () => Promise<void>): Promise<void> {
  const { rows } = await client.query(
    `SELECT indexname, indexdef, tablename FROM pg_indexes WHERE schemaname = 'lares' AND tablename IN ('messages', 'message_states')`,
  )
  for (const { indexname, tablename } of rows)
    await client.query(
      indexname.endsWith('_pkey')
        ? `ALTER TABLE lares.${tablename} DROP CONSTRAINT ${indexname}`
        : `DROP INDEX lares.${indexname}`,
    )
  await load()
  for (const { indexname, indexdef, tablename } of rows)
    await client.query(
      indexname.endsWith('_pkey') ? `ALTER TABLE lares.${tablename} ADD PRIMARY KEY (id)` : indexdef,
    )
}

export async function loadSqlite(rows: number): Promise<LoadedStore> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-history-'))
  const file = join(folder, 'conversations.db')
  const store = openSqliteStore(file)
  const database = new DatabaseSync(file)
  database.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; BEGIN')
  const insert = database.prepare(
    `INSERT INTO messages (position, id, conversation, role, text, in_reply_to, created_at, status, sequence)
     VALUES (?, ?, ?, 'user', ?, NULL, ?, 'answered', ?)`,
  )
  for (const { n, id, conversation, text, createdAt } of historyRows(rows))
    insert.run(n, id, conversation, text, createdAt, n)
  database.exec(`
    INSERT INTO conversations SELECT conversation, 'owner', min(created_at) FROM messages GROUP BY conversation;
    UPDATE changes SET last = ${rows};
    COMMIT; PRAGMA wal_checkpoint(TRUNCATE); ANALYZE;
    CREATE TABLE bulk (id TEXT, conversation TEXT, text TEXT, created_at TEXT);
    CREATE TABLE single (id TEXT PRIMARY KEY, conversation TEXT, text TEXT, created_at TEXT)`)
  const insertInto = (table: string) => {
    const bare = database.prepare(`INSERT INTO ${table} VALUES (?, ?, ?, ?)`)
    return ({ id, conversation, text, createdAt }: LoadedRow) => bare.run(id, conversation, text, createdAt)
  }
  return {
    store,
    baselineBulk: count =>
      measureRate(count, async () => {
        const add = insertInto('bulk')
        database.exec('BEGIN')
        for (const row of historyRows(count)) add(row)
        database.exec('COMMIT')
      }),
    baselineSingle: count =>
      measureRate(count, async () => {
        const add = insertInto('single')
        database.exec('PRAGMA synchronous = FULL')
        for (const row of historyRows(count)) add(row)
      }),
    async close() {
      database.close()
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
}

export async function measureRate(count: number, work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return count / ((performance.now() - startedAt) / 1_000)
}

/** Works through a list, `width` at a time. */
export async function forEachConcurrently<T>(
  list: T[],
  width: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const one = async () => {
    while (next < list.length) await work(list[next++]!)
  }
  await Promise.all(Array.from({ length: width }, one))
}
