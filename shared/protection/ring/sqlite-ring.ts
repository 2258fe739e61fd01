import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { LaresError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { createGroupCommit, openDatabase } from '../../base/sqlite/database.ts'
import type { Anchor, KeyRing, KeyRingEntry } from './ring.ts'

export const migrations = [
  `CREATE TABLE keys (
     id TEXT PRIMARY KEY, person TEXT NOT NULL UNIQUE, master TEXT NOT NULL, wrapped TEXT NOT NULL, created_at TEXT NOT NULL) STRICT;
   CREATE TABLE anchors (name TEXT PRIMARY KEY, sequence INTEGER NOT NULL, hash TEXT NOT NULL) STRICT, WITHOUT ROWID`,
]

const COLUMNS = 'person, id, master, wrapped, created_at AS createdAt'
const MAX_ATTEMPTS = 100

/** Opens the ring in one file, which several processes of one machine may share. */
export function openSqliteKeyRing(file: string, log?: Logger): KeyRing {
  const database = openDatabase(file, migrations, { log })
  // SQLite overwrites deleted and replaced content with zeros: https://sqlite.org/pragma.html#pragma_secure_delete
  database.exec('PRAGMA secure_delete = ON')
  const commits = createGroupCommit(database)
  const insert = database.prepare(
    'INSERT INTO keys (person, id, master, wrapped, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (person) DO NOTHING',
  )
  const ofPerson = database.prepare(`SELECT ${COLUMNS} FROM keys WHERE person = ?`)
  const byId = database.prepare(`SELECT ${COLUMNS} FROM keys WHERE id = ?`)
  const all = database.prepare(`SELECT ${COLUMNS} FROM keys ORDER BY person`)
  const rewrap = database.prepare('UPDATE keys SET wrapped = ?, master = ? WHERE id = ?')
  const destroy = database.prepare('DELETE FROM keys WHERE person = ?')
  const anchor = database.prepare(
    `INSERT INTO anchors (name, sequence, hash) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE
     SET sequence = excluded.sequence, hash = excluded.hash WHERE excluded.sequence > sequence`,
  )
  const anchored = database.prepare('SELECT sequence, hash FROM anchors WHERE name = ?')
  const truncateWal = () => truncateWriteAheadLog(database, file)
  return {
    add: entry =>
      commits.run(() => {
        const { person, id, master, wrapped, createdAt } = entry
        insert.run(person, id, master, wrapped, createdAt)
        return ofPerson.get(person) as KeyRingEntry
      }),
    byPerson: async person => ofPerson.get(person) as KeyRingEntry | undefined,
    byId: async id => byId.get(id) as KeyRingEntry | undefined,
    all: async () => all.all() as KeyRingEntry[],
    async rewrap({ id, wrapped, master }) {
      await commits.run(() => rewrap.run(wrapped, master, id))
      await truncateWal()
    },
    async destroy(person) {
      const { changes } = await commits.run(() => destroy.run(person))
      await truncateWal()
      return changes > 0
    },
    async setAnchor(name, sequence, hash) {
      await commits.run(() => anchor.run(name, sequence, hash))
    },
    getAnchor: async name => anchored.get(name) as Anchor | undefined,
    async check() {
      await commits.run(() => database.exec('UPDATE keys SET id = id WHERE false'))
    },
    async close() {
      await commits.run(() => undefined)
      database.close()
    },
  }
}

/** Until then the write-ahead log holds the earlier pages. Errors: `unavailable` while another process reads it. */
async function truncateWriteAheadLog(database: DatabaseSync, file: string): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { busy } = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number }
    if (busy === 0) return
    await wait(50)
  }
  throw new LaresError(
    'unavailable',
    `the key is destroyed, but traces of it may be in ${file}-wal, which another process is reading: try again`,
  )
}
