import type { Database, Query } from '../../base/postgres/database.ts'
import type { JournalEntry, Records, StoreCopy } from '../store.ts'
import { postgresAudit } from './audit.ts'
import { postgresRows } from './rows.ts'

const PAGE_SIZE = 500

const SELECT_JOURNAL = `
  SELECT event_id AS "eventId", conversation, outcome, at_ms AS "atMs" FROM lares.journal
  WHERE event_id > $1 ORDER BY event_id LIMIT ${PAGE_SIZE}`
const INSERT_JOURNAL = `
  INSERT INTO lares.journal (event_id, conversation, outcome, at_ms)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) ON CONFLICT DO NOTHING`

/** A snapshot is a transaction that sees the database as it is at its first statement. */
export function postgresCopy(database: Database, now: () => number, records: Records): StoreCopy {
  return {
    async snapshot() {
      const { query, close } = await database.snapshot()
      const reader: Database = { ...database, query }
      return {
        rows: postgresRows(reader, now, records),
        audit: postgresAudit(reader),
        journal: () => readJournal(query),
        close,
      }
    },
    async writeJournal(entries) {
      if (entries.length === 0) return
      await database.query(INSERT_JOURNAL, [
        entries.map(({ eventId }) => eventId),
        entries.map(({ conversation }) => conversation),
        entries.map(({ outcome }) => outcome),
        entries.map(({ atMs }) => atMs),
      ])
    },
  }
}

async function* readJournal(query: Query): AsyncGenerator<JournalEntry> {
  for (let after = ''; ; ) {
    const entries = await query<JournalEntry>(SELECT_JOURNAL, [after])
    yield* entries
    if (entries.length < PAGE_SIZE) return
    after = entries.at(-1)!.eventId
  }
}
