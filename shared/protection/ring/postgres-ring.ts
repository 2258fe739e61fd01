import type { Logger } from '../../base/log.ts'
import { silentLogger } from '../../base/log.ts'
import { openPool } from '../../base/postgres/database.ts'
import { migrate } from '../../base/postgres/migrations.ts'
import type { Anchor, KeyRing, KeyRingEntry } from './ring.ts'

export type PostgresKeyRingOptions = { url: string; log?: Logger; waitMs?: number }

/**
 * The ring has its own schema, so that a dump of the schema `lares` contains no key. Lares 0.1.0 created these tables
 * without a version, so the first migration keeps existing tables.
 */
export const migrations = [
  {
    name: 'keys and anchors',
    statements: `
  CREATE TABLE IF NOT EXISTS lares_keys.keys (
    id text COLLATE "C" PRIMARY KEY,
    person text COLLATE "C" NOT NULL UNIQUE,
    master text NOT NULL,
    wrapped text NOT NULL,
    created_at text NOT NULL);
  CREATE TABLE IF NOT EXISTS lares_keys.anchors (name text PRIMARY KEY, sequence bigint NOT NULL, hash text NOT NULL)`,
  },
]

const COLUMNS = 'person, id, master, wrapped, created_at AS "createdAt"'
const INSERT_KEY = `
  INSERT INTO lares_keys.keys (person, id, master, wrapped, created_at) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (person) DO NOTHING`
const SELECT_BY_PERSON = `SELECT ${COLUMNS} FROM lares_keys.keys WHERE person = $1`
const UPSERT_ANCHOR = `
  INSERT INTO lares_keys.anchors AS a (name, sequence, hash) VALUES ($1, $2, $3)
  ON CONFLICT (name) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash
  WHERE excluded.sequence > a.sequence`
const SELECT_ANCHOR = 'SELECT sequence, hash FROM lares_keys.anchors WHERE name = $1'

/** Keys are few and cached: one or two connections are enough. */
const POOL_SIZE = 2

/** Opens the ring in the schema `lares_keys` of a database. Errors: `unavailable`. */
export async function openPostgresKeyRing({
  url,
  log = silentLogger,
  waitMs = 30_000,
}: PostgresKeyRingOptions): Promise<KeyRing> {
  const { query, displayName, close } = openPool({
    url,
    log,
    poolSize: POOL_SIZE,
    statementTimeoutMs: 10_000,
  })
  await migrate({ url, displayName, schema: 'lares_keys', migrations, log, waitMs }, async () => undefined)
  return {
    async add({ person, id, master, wrapped, createdAt }) {
      await query(INSERT_KEY, [person, id, master, wrapped, createdAt])
      return (await query<KeyRingEntry>(SELECT_BY_PERSON, [person]))[0]!
    },
    byPerson: async person => (await query<KeyRingEntry>(SELECT_BY_PERSON, [person]))[0],
    byId: async id =>
      (await query<KeyRingEntry>(`SELECT ${COLUMNS} FROM lares_keys.keys WHERE id = $1`, [id]))[0],
    all: () => query<KeyRingEntry>(`SELECT ${COLUMNS} FROM lares_keys.keys ORDER BY person`),
    async rewrap({ id, wrapped, master }) {
      await query('UPDATE lares_keys.keys SET wrapped = $2, master = $3 WHERE id = $1', [id, wrapped, master])
    },
    async destroy(person) {
      const deleted = await query('DELETE FROM lares_keys.keys WHERE person = $1 RETURNING 1', [person])
      // A deleted row stays in its page until the vacuum.
      await query('VACUUM lares_keys.keys')
      return deleted.length > 0
    },
    async setAnchor(name, sequence, hash) {
      await query(UPSERT_ANCHOR, [name, sequence, hash])
    },
    getAnchor: async name => (await query<Anchor>(SELECT_ANCHOR, [name]))[0],
    async check() {
      await query('UPDATE lares_keys.keys SET id = id WHERE false')
    },
    close,
  }
}
