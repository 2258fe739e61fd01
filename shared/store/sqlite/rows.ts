import type { DatabaseSync } from 'node:sqlite'
import type { GroupCommit } from '../../base/sqlite/database.ts'
import {
  parseAddressColumn,
  parseMessageRow,
  type StoredMessage,
  toJsonColumn,
  type WithAddressJson,
} from '../json-columns.ts'
import type { ErasedCounts, MessageWrite, Records, StoreRow, StoreRows } from '../store.ts'
import { sqliteMessages } from './history.ts'

const PAGE_SIZE = 500

const SELECT_CONVERSATIONS = `
  SELECT c.id, c.person, c.created_at AS createdAt, d.state FROM conversations c LEFT JOIN dialog d ON d.conversation = c.id
  WHERE c.person = ? ORDER BY c.id`
const SELECT_MESSAGES = `
  SELECT position, id, role, text, in_reply_to AS inReplyTo, created_at AS createdAt, status, attachments,
    address, sender FROM messages
  WHERE conversation = ? AND position > ? ORDER BY position LIMIT ${PAGE_SIZE}`
const SELECT_RECORDS = `
  SELECT rowid AS position, collection, id, person, text, body, created_at AS createdAt FROM documents
  WHERE person = ? AND rowid > ? ORDER BY rowid LIMIT ${PAGE_SIZE}`
const SELECT_TIMERS = `
  SELECT id, conversation, person, text, language, due_at AS dueAt, state, address FROM timers WHERE person = ? ORDER BY id`
const SELECT_PEOPLE = `
  SELECT person FROM conversations UNION SELECT person FROM documents UNION SELECT person FROM timers`

export function sqliteRows(database: DatabaseSync, commits: GroupCommit, records: Records): StoreRows {
  const conversations = database.prepare(SELECT_CONVERSATIONS)
  const messages = database.prepare(SELECT_MESSAGES)
  const recordsOf = database.prepare(SELECT_RECORDS)
  const timers = database.prepare(SELECT_TIMERS)
  const people = database.prepare(SELECT_PEOPLE)
  const write = createRowWriter(database)
  return {
    people: async () =>
      (people.all() as { person: string }[]).map(({ person }) => person).filter(person => person !== ''),
    async *read(person) {
      for (const { state, ...row } of conversations.all(person) as ConversationRow[]) {
        yield { kind: 'conversation', ...row, ...(state !== null && { state: JSON.parse(state) }) }
        for (const message of readPages<StoredMessage<MessageWrite>>(after => messages.all(row.id, after)))
          yield { kind: 'message', conversation: row.id, person, ...parseMessageRow(message) }
      }
      for (const row of readPages<RecordRow>(after => recordsOf.all(person, after)))
        yield { ...row, kind: 'document', body: JSON.parse(row.body) }
      for (const row of timers.all(person) as TimerRow[]) yield { ...parseAddressColumn(row), kind: 'timer' }
    },
    async write(rows) {
      const isNew = rows.map(row => {
        if (row.kind !== 'document') return commits.run(() => write(row))
        const { kind: _, collection, ...record } = row
        return records.insert(collection, record)
      })
      return (await Promise.all(isNew)).filter(Boolean).length
    },
    async erase(person) {
      const erased = await commits.run(() => eraseRows(database, person))
      purgeDeletedPages(database)
      return erased
    },
  }
}

type ConversationRow = { id: string; person: string; createdAt: string; state: string | null }
type RecordRow = Omit<Extract<StoreRow, { kind: 'document' }>, 'kind' | 'body'> & { body: string }
type TimerRow = WithAddressJson<Omit<Extract<StoreRow, { kind: 'timer' }>, 'kind'>>

/** Reads rows in pages, so that no statement stays open while a caller uses them. */
function* readPages<T>(page: (after: number) => unknown[]): Generator<T> {
  let after = 0
  for (;;) {
    const rows = page(after) as (T & { position: number })[]
    for (const { position, ...row } of rows) yield row as T
    if (rows.length < PAGE_SIZE) return
    after = rows.at(-1)!.position
  }
}

function createRowWriter(database: DatabaseSync): (row: Exclude<StoreRow, { kind: 'document' }>) => boolean {
  const messages = sqliteMessages(database)
  const messageExists = database.prepare('SELECT 1 FROM messages WHERE id = ?')
  const state = database.prepare(
    'INSERT INTO dialog (conversation, state) VALUES (?, ?) ON CONFLICT DO NOTHING',
  )
  const timer = database.prepare(
    `INSERT INTO timers (id, conversation, person, text, language, due_at, state, address) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  )
  return row => {
    if (row.kind === 'timer') {
      const { id, conversation, person, text, language, dueAt, state, address } = row
      const values = [id, conversation, person, text, language, dueAt, state, toJsonColumn(address)]
      return timer.run(...values).changes > 0
    }
    if (row.kind === 'message') {
      if (messageExists.get(row.id)) return false
      messages.write(row.conversation, row)
      return true
    }
    const isNew = messages.open(row.id, row.person, row.createdAt).changes > 0
    if (isNew && row.state !== undefined) state.run(row.id, JSON.stringify(row.state))
    return isNew
  }
}

function eraseRows(database: DatabaseSync, person: string): ErasedCounts {
  const theirConversations = '(SELECT id FROM conversations WHERE person = ?)'
  const remove = (sql: string) => Number(database.prepare(`DELETE FROM ${sql}`).run(person).changes)
  const inGroups = remove(
    `messages WHERE sender ->> '$.person' = ? AND conversation IN (SELECT id FROM conversations WHERE person LIKE 'group/%')`,
  )
  const messages = inGroups + remove(`messages WHERE conversation IN ${theirConversations}`)
  remove(`dialog WHERE conversation IN ${theirConversations}`)
  remove(`journal WHERE conversation IN ${theirConversations}`)
  remove('document_words WHERE rowid IN (SELECT rowid FROM documents WHERE person = ?)')
  return {
    messages,
    conversations: remove('conversations WHERE person = ?'),
    documents: remove('documents WHERE person = ?'),
    timers: remove('timers WHERE person = ?'),
  }
}

/** Removes deleted content from the file as well: from the index, the pages and the write-ahead log. */
function purgeDeletedPages(database: DatabaseSync): void {
  database.exec(`INSERT INTO document_words (document_words) VALUES ('optimize')`)
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
}
