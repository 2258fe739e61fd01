import type { DatabaseSync } from 'node:sqlite'
import { LaresError } from '../../base/errors.ts'
import type { GroupCommit } from '../../base/sqlite/database.ts'
import { parseMessageRow, type StoredMessage, toJsonColumn } from '../json-columns.ts'
import type { Backlog, Conversation, History, HistoryMessage, MessageWrite } from '../store.ts'

const COLUMNS = `id, conversation, role, text, in_reply_to AS inReplyTo, created_at AS createdAt, status, sequence, attachments,
  address, sender`

/** The same text as in the partial index: SQLite uses the index only if the expressions match. */
export const IS_UNANSWERED = "status IN ('queued', 'answering')"

/** Writes history rows; call it inside a transaction. */
export function sqliteMessages(database: DatabaseSync) {
  const open = database.prepare(
    'INSERT INTO conversations (id, person, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const next = database.prepare('UPDATE changes SET last = last + 1 RETURNING last')
  const write = database.prepare(
    `INSERT INTO messages (id, conversation, role, text, in_reply_to, created_at, status, sequence, attachments, address, sender)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET status = excluded.status, text = excluded.text, sequence = excluded.sequence
     WHERE status <> excluded.status OR text <> excluded.text`,
  )
  return {
    open: (conversation: string, person: string, at: string) => open.run(conversation, person, at),
    write(conversation: string, message: MessageWrite) {
      const { last } = next.get() as { last: number }
      const { id, role, text, inReplyTo, createdAt, status } = message
      const json = [message.attachments, message.address, message.sender].map(toJsonColumn)
      write.run(id, conversation, role, text, inReplyTo, createdAt, status, last, ...json)
    },
  }
}

export function sqliteHistory(database: DatabaseSync, commits: GroupCommit): History {
  const messages = sqliteMessages(database)
  const conversation = database.prepare(
    'SELECT id, person, created_at AS createdAt FROM conversations WHERE id = ?',
  )
  const conversationsOfPerson = database.prepare(
    'SELECT id, person, created_at AS createdAt FROM conversations WHERE person = ? ORDER BY created_at DESC, id DESC LIMIT ?',
  )
  const message = database.prepare(`SELECT ${COLUMNS} FROM messages WHERE id = ?`)
  const page = database.prepare(
    `SELECT ${COLUMNS} FROM messages
     WHERE conversation = :conversation
       AND position < coalesce((SELECT position FROM messages WHERE id = :before AND conversation = :conversation), 9e18)
     ORDER BY position DESC LIMIT :limit`,
  )
  const changes = database.prepare(
    `SELECT ${COLUMNS} FROM messages WHERE conversation = ? AND sequence > ? ORDER BY sequence LIMIT ?`,
  )
  // The query names its index: SQLite's own plan would read the whole conversation for each new message.
  const backlogQuery = `SELECT c.person, count(*) AS count, min(m.created_at) AS oldestAt
     FROM messages m INDEXED BY messages_waiting JOIN conversations c ON c.id = m.conversation WHERE ${IS_UNANSWERED}`
  const backlogByPerson = database.prepare(`${backlogQuery} GROUP BY c.person`)
  const backlogOf = database.prepare(`${backlogQuery} AND m.conversation = ? GROUP BY c.person`)
  const read = (id: string) => {
    const row = message.get(id) as StoredMessage<HistoryMessage> | undefined
    return row && parseMessageRow(row)
  }
  const all = (rows: unknown[]) => (rows as StoredMessage<HistoryMessage>[]).map(parseMessageRow)
  const owner = (id: string) => conversation.get(id) as Conversation | undefined
  return {
    accept: entry =>
      commits.run(() => {
        messages.open(entry.conversation, entry.person, entry.message.createdAt)
        if (owner(entry.conversation)?.person !== entry.person)
          throw new LaresError('not_found', `there is no conversation "${entry.conversation}"`)
        const known = read(entry.message.id)
        if (known) return known
        messages.write(entry.conversation, entry.message)
        return read(entry.message.id)!
      }),
    conversation: async id => owner(id),
    message: async id => read(id),
    conversations: async (person, limit) => conversationsOfPerson.all(person, limit) as Conversation[],
    list: async (id, { before, limit }) =>
      all(page.all({ conversation: id, before: before ?? null, limit })).reverse(),
    backlog: async id => (id === undefined ? backlogByPerson.all() : backlogOf.all(id)) as Backlog[],
    changes: async (id, sequence, limit) => all(changes.all(id, sequence, limit)),
  }
}
