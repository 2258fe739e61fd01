import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { createGroupCommit, type GroupCommit } from '../../base/sqlite/database.ts'
import type { JournalEntry, StoreCopy, StoreSnapshot } from '../store.ts'
import { sqliteAudit } from './audit.ts'
import { sqliteRecords } from './records.ts'
import { sqliteRows } from './rows.ts'

const PAGE_SIZE = 500
/**
 * Copies all pages in one step: SQLite then holds one read transaction, and writers of other processes cannot restart
 * it.
 */
const ALL_PAGES = 2 ** 31 - 1

/** A snapshot is a copy of the file, which SQLite makes while the file is in use: https://sqlite.org/backup.html */
export function sqliteCopy(database: DatabaseSync, commits: GroupCommit): StoreCopy {
  const insert = database.prepare(
    'INSERT INTO journal (event_id, conversation, outcome, at_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  return {
    async snapshot() {
      const folder = await mkdtemp(join(tmpdir(), 'lares-snapshot-'))
      try {
        const file = join(folder, 'store.db')
        await backup(database, file, { rate: ALL_PAGES })
        return openSnapshot(file, () => rm(folder, { recursive: true, force: true }))
      } catch (error) {
        await rm(folder, { recursive: true, force: true })
        throw error
      }
    },
    async writeJournal(entries) {
      await commits.run(() => {
        for (const { eventId, conversation, outcome, atMs } of entries)
          insert.run(eventId, conversation, outcome, atMs)
      })
    },
  }
}

function openSnapshot(file: string, remove: () => Promise<void>): StoreSnapshot {
  const database = new DatabaseSync(file)
  const commits = createGroupCommit(database)
  const page = database.prepare(
    `SELECT event_id AS eventId, conversation, outcome, at_ms AS atMs FROM journal
     WHERE event_id > ? ORDER BY event_id LIMIT ${PAGE_SIZE}`,
  )
  return {
    rows: sqliteRows(database, commits, sqliteRecords(database, commits)),
    audit: sqliteAudit(database, commits),
    async *journal() {
      for (let after = ''; ; ) {
        const entries = page.all(after) as JournalEntry[]
        yield* entries
        if (entries.length < PAGE_SIZE) return
        after = entries.at(-1)!.eventId
      }
    },
    async close() {
      database.close()
      await remove()
    },
  }
}
