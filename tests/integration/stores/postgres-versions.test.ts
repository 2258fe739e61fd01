import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { silentLogger } from '../../../shared/base/log.ts'
import { migrate } from '../../../shared/base/postgres/migrations.ts'
import { openPostgresKeyRing } from '../../../shared/protection/ring/postgres-ring.ts'
import { openPostgresStore } from '../../../shared/store/postgres/postgres-store.ts'
import { migrations } from '../../../shared/store/postgres/schema.ts'
import { startOrSkip } from '../../support/npm-program.ts'
import { startPostgres } from '../../support/stores/postgres.ts'

const server = await startOrSkip(() => startPostgres())
afterAll(() => server?.close())

/** The number of migrations in Lares 0.1.0. */
const MIGRATIONS_OF_0_1 = 5

async function query(url: string, sql: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

const migrateTo = (url: string, count: number) =>
  migrate(
    { url, displayName: 'here', migrations: migrations.slice(0, count), log: silentLogger, waitMs: 0 },
    async () => undefined,
  )

test.skipIf(!server)(
  'a store that any migration of today was the last to change is opened and keeps its rows',
  async () => {
    for (let count = MIGRATIONS_OF_0_1; count < migrations.length + 1; count++) {
      const url = await server!.database()
      await migrateTo(url, count)
      await query(
        url,
        `ALTER TABLE lares.migrations DROP COLUMN lares;
       INSERT INTO lares.conversations (id, person, created_at) VALUES ('c', 'alice', '2026-05-01T12:00:00.000Z');
       INSERT INTO lares.messages (conversation, at, id, role, text, in_reply_to, created_at)
         VALUES ('c', '2026-05-01T12:00:00Z', 'm', 'user', 'old words', NULL, '2026-05-01T12:00:00.000Z');
       INSERT INTO lares.message_states (id, conversation, at, status, sequence)
         VALUES ('m', 'c', '2026-05-01T12:00:00Z', 'completed', nextval('lares.changes'));
       INSERT INTO lares.timers (id, conversation, person, text, language, due_at, state)
         VALUES ('t', 'c', 'alice', 'old reminder', 'en', '2126-05-01T12:00:00.000Z', 'waiting')`,
      )
      const store = await openPostgresStore({ url })
      expect((await store.history.list('c', { limit: 10 })).map(({ text }) => text)).toEqual(['old words'])
      expect((await store.timers.pending('alice', 10)).map(({ text }) => text)).toEqual(['old reminder'])
      await store.close()
      const [{ version }] = await query(url, 'SELECT count(*)::integer AS version FROM lares.migrations')
      expect(version).toBe(migrations.length)
    }
  },
  120_000,
)

test.skipIf(!server)('a key ring of 0.1.0, which has no version, gets one and keeps its keys', async () => {
  const url = await server!.database()
  await query(
    url,
    `CREATE SCHEMA lares_keys;
     CREATE TABLE lares_keys.keys (
       id text COLLATE "C" PRIMARY KEY, person text COLLATE "C" NOT NULL UNIQUE, master text NOT NULL,
       wrapped text NOT NULL, created_at text NOT NULL);
     CREATE TABLE lares_keys.anchors (name text PRIMARY KEY, sequence bigint NOT NULL, hash text NOT NULL);
     INSERT INTO lares_keys.keys VALUES ('k', 'alice', 'm', 'w', '2026-05-01T12:00:00.000Z')`,
  )
  const ring = await openPostgresKeyRing({ url })
  expect(await ring.byPerson('alice')).toMatchObject({ id: 'k', wrapped: 'w' })
  await ring.close()
  expect(await query(url, 'SELECT number, lares FROM lares_keys.migrations')).toEqual([
    { number: 1, lares: expect.stringMatching(/^\d+\.\d+\.\d+$/) },
  ])
})

test.skipIf(!server)(
  'a store and a key ring of a newer Lares are refused with the version that they need',
  async () => {
    const url = await server!.database()
    await (await openPostgresStore({ url })).close()
    await (await openPostgresKeyRing({ url })).close()
    for (const schema of ['lares', 'lares_keys'])
      await query(
        url,
        `INSERT INTO ${schema}.migrations (number, name, lares)
      SELECT 1 + count(*), 'of tomorrow', '9.8.7' FROM ${schema}.migrations`,
      )
    const refusal = {
      code: 'invalid_config',
      message: expect.stringMatching(/written by a newer Lares .*start Lares 9\.8\.7 or later/),
    }
    await expect(openPostgresStore({ url })).rejects.toMatchObject(refusal)
    await expect(openPostgresKeyRing({ url })).rejects.toMatchObject(refusal)
  },
)
