import type { Database } from '../../base/postgres/database.ts'
import { parseAddressColumn, toJsonColumn, type WithAddressJson } from '../json-columns.ts'
import type { Timer, Timers } from '../store.ts'
import { toUtc } from '../timer-time.ts'

const COLUMNS = 'id, conversation, person, text, language, due_at AS "dueAt", address'
const SCHEDULE = `
  INSERT INTO lares.timers (id, conversation, person, text, language, due_at, state, address)
  VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7) ON CONFLICT DO NOTHING RETURNING 1`
const CANCEL = `
  UPDATE lares.timers SET state = 'cancelled' WHERE id = $1 AND person = $2 AND state = 'waiting' RETURNING 1`
const MARK_FIRED = `UPDATE lares.timers SET state = 'fired' WHERE id = ANY ($1::text[]) AND state = 'waiting'`
const DUE = `
  SELECT ${COLUMNS} FROM lares.timers WHERE state = 'waiting' AND due_at <= $1 ORDER BY due_at, id LIMIT $2`
const PENDING = `
  SELECT ${COLUMNS} FROM lares.timers WHERE state = 'waiting' AND person = $1 ORDER BY due_at, id LIMIT $2`

export function postgresTimers({ query }: Database): Timers {
  const select = async (sql: string, values: unknown[]): Promise<Timer[]> =>
    (await query<WithAddressJson<Timer>>(sql, values)).map(parseAddressColumn)
  return {
    async schedule({ id, conversation, person, text, language, dueAt, address }) {
      const values = [id, conversation, person, text, language, toUtc(dueAt), toJsonColumn(address)]
      return (await query(SCHEDULE, values)).length > 0
    },
    cancel: async (person, id) => (await query(CANCEL, [id, person])).length > 0,
    due: (nowMs, limit) => select(DUE, [new Date(nowMs).toISOString(), limit]),
    pending: (person, limit) => select(PENDING, [person, limit]),
    async markFired(ids) {
      if (ids.length > 0) await query(MARK_FIRED, [ids])
    },
  }
}
