import type { DatabaseSync } from 'node:sqlite'
import type { GroupCommit } from '../../base/sqlite/database.ts'
import type { Timer, Timers } from '../store.ts'
import { toUtc } from '../timer-time.ts'

const COLUMNS = 'id, conversation, person, text, language, due_at AS dueAt'

export function sqliteTimers(database: DatabaseSync, commits: GroupCommit): Timers {
  const insert = database.prepare(
    `INSERT INTO timers (id, conversation, person, text, language, due_at, state) VALUES (?, ?, ?, ?, ?, ?, 'waiting')
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
  return {
    schedule: timer =>
      commits.run(() => {
        const { id, conversation, person, text, language } = timer
        const dueAt = toUtc(timer.dueAt)
        return insert.run(id, conversation, person, text, language, dueAt).changes > 0
      }),
    cancel: (person, id) => commits.run(() => cancel.run(id, person).changes > 0),
    due: async (nowMs, limit) => due.all(new Date(nowMs).toISOString(), limit) as Timer[],
    pending: async (person, limit) => pending.all(person, limit) as Timer[],
    markFired: async ids => {
      if (ids.length > 0) await commits.run(() => ids.forEach(id => void markFired.run(id)))
    },
  }
}
