import type { DatabaseSync } from 'node:sqlite'
import { LaresError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { requireUndamaged } from '../../base/sqlite/damage.ts'
import { createGroupCommit, type GroupCommit, openDatabase } from '../../base/sqlite/database.ts'
import type { StepRequest, Store } from '../store.ts'
import { sqliteAudit } from './audit.ts'
import { sqliteCopy } from './copy.ts'
import { IS_UNANSWERED, sqliteHistory, sqliteMessages } from './history.ts'
import { sqliteRecords } from './records.ts'
import { sqliteRows } from './rows.ts'
import { sqliteTimers } from './timers.ts'

export const migrations = [
  `CREATE TABLE conversations (
     id TEXT PRIMARY KEY, person TEXT NOT NULL, created_at TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE INDEX conversations_of_person ON conversations (person, created_at);
   CREATE TABLE dialog (conversation TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE journal (
     event_id TEXT PRIMARY KEY, conversation TEXT NOT NULL, outcome TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE INDEX journal_by_time ON journal (at_ms);
   CREATE TABLE messages (
     position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, conversation TEXT NOT NULL, role TEXT NOT NULL,
     text TEXT NOT NULL, in_reply_to TEXT, created_at TEXT NOT NULL, status TEXT NOT NULL, sequence INTEGER NOT NULL) STRICT;
   CREATE INDEX messages_in_order ON messages (conversation, position);
   CREATE INDEX messages_by_change ON messages (conversation, sequence);
   CREATE TABLE changes (last INTEGER NOT NULL) STRICT;
   INSERT INTO changes VALUES (0);
   CREATE TABLE documents (
     rowid INTEGER PRIMARY KEY, collection TEXT NOT NULL, person TEXT NOT NULL, id TEXT NOT NULL,
     text TEXT NOT NULL, body TEXT NOT NULL, created_at TEXT NOT NULL, UNIQUE (collection, person, id)) STRICT;
   CREATE VIRTUAL TABLE document_words USING fts5 (words, content = '', contentless_delete = 1, tokenize = 'porter unicode61');
   CREATE TABLE timers (
     id TEXT PRIMARY KEY, conversation TEXT NOT NULL, person TEXT NOT NULL, text TEXT NOT NULL, language TEXT NOT NULL,
     due_at TEXT NOT NULL, state TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE INDEX timers_waiting ON timers (due_at) WHERE state = 'waiting'`,
  `CREATE INDEX messages_waiting ON messages (conversation, created_at) WHERE ${IS_UNANSWERED}`,
  `CREATE TABLE audit (
     sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, text TEXT NOT NULL, hash TEXT NOT NULL) STRICT`,
  `CREATE TABLE model_calls_per_hour (
     hour TEXT NOT NULL, model TEXT NOT NULL, calls INTEGER NOT NULL, input_tokens INTEGER NOT NULL,
     output_tokens INTEGER NOT NULL, PRIMARY KEY (hour, model)) STRICT, WITHOUT ROWID`,
  'CREATE INDEX documents_by_age ON documents (collection, person, created_at)',
  'ALTER TABLE messages ADD COLUMN attachments TEXT',
  `ALTER TABLE messages ADD COLUMN address TEXT;
   ALTER TABLE messages ADD COLUMN sender TEXT;
   ALTER TABLE timers ADD COLUMN address TEXT`,
]

/** Adds each call to an hourly count, so that the file does not grow with every call. Hours as 2026-11-27T14:00:00Z. */
const COUNT_MODEL_CALL = `
  INSERT INTO model_calls_per_hour (hour, model, calls, input_tokens, output_tokens)
  VALUES (strftime('%Y-%m-%dT%H:00:00Z', ? / 1000, 'unixepoch'), ?, 1, ?, ?)
  ON CONFLICT DO UPDATE SET calls = calls + 1, input_tokens = input_tokens + excluded.input_tokens,
    output_tokens = output_tokens + excluded.output_tokens`

/** Opens the store in one file; `now` returns milliseconds since the epoch. Errors: `unavailable`. */
export function openSqliteStore(file: string, now: () => number = Date.now, log?: Logger): Store {
  const database = openDatabase(file, migrations, { log })
  // SQLite overwrites deleted content with zeros, so that a forgotten person's data does not stay in a free page.
  database.exec('PRAGMA secure_delete = ON')
  const commits = createGroupCommit(database)
  const records = sqliteRecords(database, commits)
  return {
    step: createStep(database, commits, now),
    history: sqliteHistory(database, commits),
    records,
    timers: sqliteTimers(database, commits),
    rows: sqliteRows(database, commits, records),
    audit: sqliteAudit(database, commits),
    copy: sqliteCopy(database, commits),
    async trimJournal(beforeMs) {
      await commits.run(() => database.prepare('DELETE FROM journal WHERE at_ms < ?').run(beforeMs))
    },
    async check() {
      requireUndamaged(database)
      try {
        await commits.run(() => database.exec('UPDATE changes SET last = last'))
      } catch (cause) {
        throw new LaresError(
          'unavailable',
          `the database ${file} cannot be written: ${(cause as Error).message}; check the folder's rights and free space`,
          { cause },
        )
      }
    },
    async close() {
      await commits.run(() => undefined)
      database.close()
    },
  }
}

function createStep(database: DatabaseSync, commits: GroupCommit, now: () => number): Store['step'] {
  const messages = sqliteMessages(database)
  const selectOutcome = database.prepare('SELECT outcome FROM journal WHERE event_id = ?')
  const readState = database.prepare('SELECT state FROM dialog WHERE conversation = ?')
  const writeState = database.prepare('INSERT OR REPLACE INTO dialog (conversation, state) VALUES (?, ?)')
  const record = database.prepare(
    'INSERT INTO journal (event_id, conversation, outcome, at_ms) VALUES (?, ?, ?, ?)',
  )
  const countModelCall = database.prepare(COUNT_MODEL_CALL)
  const apply = <State, Outcome>(request: StepRequest<State, Outcome>): string => {
    const { conversation, person, eventId } = request
    const before = readState.get(conversation) as { state: string } | undefined
    const step = request.apply(before && (JSON.parse(before.state) as State))
    messages.open(conversation, person, new Date(now()).toISOString())
    for (const message of step.messages) messages.write(conversation, message)
    writeState.run(conversation, JSON.stringify(step.state))
    const outcome = JSON.stringify(step.outcome)
    record.run(eventId, conversation, outcome, now())
    for (const { model, inputTokens, outputTokens } of step.modelCalls ?? [])
      countModelCall.run(now(), model, inputTokens, outputTokens)
    return outcome
  }
  // The first call takes the same path as a repeated one, so both return the same outcome.
  return request =>
    commits.run(() => {
      const known = selectOutcome.get(request.eventId) as { outcome: string } | undefined
      return JSON.parse(known?.outcome ?? apply(request))
    })
}
