import type { DatabaseSync } from 'node:sqlite'
import type { GroupCommit } from '../../base/sqlite/database.ts'
import type { AuditRow, AuditStore } from '../store.ts'

export function sqliteAudit(database: DatabaseSync, commits: GroupCommit): AuditStore {
  const byId = database.prepare('SELECT * FROM audit WHERE id = ?')
  const last = database.prepare('SELECT * FROM audit ORDER BY sequence DESC LIMIT 1')
  const insert = database.prepare('INSERT INTO audit (sequence, id, text, hash) VALUES (?, ?, ?, ?)')
  const page = database.prepare('SELECT * FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?')
  return {
    append: (id, make) =>
      commits.run(() => {
        const existing = byId.get(id) as AuditRow | undefined
        if (existing) return existing
        const row = make(last.get() as AuditRow | undefined)
        insert.run(row.sequence, row.id, row.text, row.hash)
        return row
      }),
    read: async (after, limit) => page.all(after, limit) as AuditRow[],
  }
}
