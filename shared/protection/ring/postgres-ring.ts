import type { Log } from '../../base/log.ts'
import { noLog } from '../../base/log.ts'
import { openPool } from '../../base/postgres/database.ts'
import { databaseError } from '../../base/postgres/errors.ts'
import { alone, connectPatiently } from '../../base/postgres/migrations.ts'
import type { Anchor, Ring, RingEntry } from './ring.ts'

export type PostgresRingOptions = { url: string; log?: Log; waitMs?: number }

/** A schema of its own: a dump of the schema `lares` has no key in it. */
const TABLES = `
  CREATE SCHEMA IF NOT EXISTS lares_keys;
  CREATE TABLE IF NOT EXISTS lares_keys.keys (
    id text COLLATE "C" PRIMARY KEY,
    person text COLLATE "C" NOT NULL UNIQUE,
    master text NOT NULL,
    wrapped text NOT NULL,
    created_at text NOT NULL);
  CREATE TABLE IF NOT EXISTS lares_keys.anchors (name text PRIMARY KEY, sequence bigint NOT NULL, hash text NOT NULL)`

const COLUMNS = 'person, id, master, wrapped, created_at AS "createdAt"'
const ADD = `
  INSERT INTO lares_keys.keys (person, id, master, wrapped, created_at) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (person) DO NOTHING`
const OF_PERSON = `SELECT ${COLUMNS} FROM lares_keys.keys WHERE person = $1`
const ANCHOR = `
  INSERT INTO lares_keys.anchors AS a (name, sequence, hash) VALUES ($1, $2, $3)
  ON CONFLICT (name) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash
  WHERE excluded.sequence > a.sequence`
const ANCHORED = 'SELECT sequence, hash FROM lares_keys.anchors WHERE name = $1'

/** Keys are few and cached: a connection or two are enough. */
const POOL = 2

/** Opens the ring in the schema `lares_keys` of a database. Errors: `unavailable`. */
export async function openPostgresRing({
  url,
  log = noLog,
  waitMs = 30_000,
}: PostgresRingOptions): Promise<Ring> {
  const { query, where, close } = openPool({ url, log, poolSize: POOL, statementTimeoutMs: 10_000 })
  await makeTables(url, where, log, waitMs)
  return {
    async add({ person, id, master, wrapped, createdAt }) {
      await query(ADD, [person, id, master, wrapped, createdAt])
      return (await query<RingEntry>(OF_PERSON, [person]))[0]!
    },
    ofPerson: async person => (await query<RingEntry>(OF_PERSON, [person]))[0],
    byId: async id =>
      (await query<RingEntry>(`SELECT ${COLUMNS} FROM lares_keys.keys WHERE id = $1`, [id]))[0],
    all: () => query<RingEntry>(`SELECT ${COLUMNS} FROM lares_keys.keys ORDER BY person`),
    async rewrap({ id, wrapped, master }) {
      await query('UPDATE lares_keys.keys SET wrapped = $2, master = $3 WHERE id = $1', [id, wrapped, master])
    },
    async destroy(person) {
      const gone = await query('DELETE FROM lares_keys.keys WHERE person = $1 RETURNING 1', [person])
      // A deleted row stays in its page until then.
      await query('VACUUM lares_keys.keys')
      return gone.length > 0
    },
    async anchor(name, sequence, hash) {
      await query(ANCHOR, [name, sequence, hash])
    },
    anchored: async name => (await query<Anchor>(ANCHORED, [name]))[0],
    async check() {
      await query('UPDATE lares_keys.keys SET id = id WHERE false')
    },
    close,
  }
}

async function makeTables(url: string, where: string, log: Log, waitMs: number): Promise<void> {
  const client = await connectPatiently(url, where, log, performance.now() + waitMs)
  try {
    await alone(client, () => client.query(TABLES))
  } catch (error) {
    throw databaseError(error, where)
  } finally {
    await client.end().catch(error => log.debug({ err: error }, 'the connection for migrations was lost'))
  }
}
