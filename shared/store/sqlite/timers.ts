import type { DatabaseSync } from 'node:sqlite'
import type { GroupCommit } from '../../base/sqlite/database.ts'
import { parseAddressColumn, toJsonColumn, type WithAddressJson } from '../json-columns.ts'
import type { Timer, Timers } from '../store.ts'
import { toUtc } from '../timer-time.ts'

const COLUMNS = 'id, conversation, person, text, language, due_at AS dueAt, address'

export function sqliteTimers(database: DatabaseSync, commits: GroupCommit): Timers {
  const insert = database.prepare(
    `INSERT INTO timers (id, conversation, person, text, language, due_at, state, address)
     VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?)
     ON CONFLICT DO NOTHING`,
  )
  const cancel = database.prepare(
    `UPDATE timers SET state = 'cancelled' WHERE id = ? AND person = ? AND state = 'waiting'`,
  )
  const markFired = database.prepare(`UPDATE timers SET state = 'fired' WHERE id = ? AND state = 'waiting'`)
  const due = database.prepare(
    `SELECT ${COLUMNS} FROM timers WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at LIMIT ?`,
  )
  const pending = database.prepare(
    `SELECT ${COLUMNS} FROM timers WHERE state = 'waiting' AND person = ? ORDER BY due_at LIMIT ?`,
  )
  const parseAll = (rows: unknown[]): Timer[] => (rows as WithAddressJson<Timer>[]).map(parseAddressColumn)
  return {
    schedule: timer =>
      commits.run(() => {
        const { id, conversation, person, text, language } = timer
        const dueAt = toUtc(timer.dueAt)
        const address = toJsonColumn(timer.address)
        return insert.run(id, conversation, person, text, language, dueAt, address).changes > 0
      }),
    cancel: (person, id) => commits.run(() => cancel.run(id, person).changes > 0),
    due: async (nowMs, limit) => parseAll(due.all(new Date(nowMs).toISOString(), limit)),
    pending: async (person, limit) => parseAll(pending.all(person, limit)),
    markFired: async ids => {
      if (ids.length > 0) await commits.run(() => ids.forEach(id => void markFired.run(id)))
    },
  }
}
