import type { Database } from '../../base/postgres/database.ts'
import type { AuditRow, AuditStore } from '../store.ts'

const LOCK = `SELECT pg_advisory_xact_lock(hashtextextended('lares.audit', 0))`
const SELECT_BY_ID = 'SELECT sequence, id, text, hash FROM lares.audit WHERE id = $1'
const SELECT_LAST = 'SELECT sequence, id, text, hash FROM lares.audit ORDER BY sequence DESC LIMIT 1'
const INSERT = 'INSERT INTO lares.audit (sequence, id, text, hash) VALUES ($1, $2, $3, $4)'
const SELECT_PAGE =
  'SELECT sequence, id, text, hash FROM lares.audit WHERE sequence > $1 ORDER BY sequence LIMIT $2'

export function postgresAudit(database: Database): AuditStore {
  return {
    append: (id, make) =>
      database.transaction(async query => {
        // The transaction takes the lock before it reads anything, and releases it at the commit.
        await query(LOCK)
        const [existing] = await query<AuditRow>(SELECT_BY_ID, [id])
        if (existing) return existing
        const [last] = await query<AuditRow>(SELECT_LAST)
        const row = make(last)
        await query(INSERT, [row.sequence, row.id, row.text, row.hash])
        return row
      }),
    read: (after, limit) => database.query<AuditRow>(SELECT_PAGE, [after, limit]),
  }
}
