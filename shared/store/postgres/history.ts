import { LaresError } from '../../base/errors.ts'
import type { Database } from '../../base/postgres/database.ts'
import { parseMessageRow, type StoredMessage } from '../json-columns.ts'
import type { Backlog, Conversation, History, HistoryMessage } from '../store.ts'
import { insertMessage, lockConversation } from './messages.ts'

const COLUMNS = `
  m.id, m.conversation, m.role, m.text, m.in_reply_to AS "inReplyTo", m.created_at AS "createdAt", s.status, s.sequence,
  m.attachments, m.address, m.sender`
const SAME_POSITION = 'm.conversation = s.conversation AND m.at = s.at'

const MESSAGE = `
  SELECT ${COLUMNS} FROM lares.message_states s JOIN lares.messages m ON ${SAME_POSITION} WHERE s.id = $1`
/** Each side scans its index once. A join by id would look up every message, and slow down as messages accumulate. */
const PAGE = `
  WITH page AS MATERIALIZED (
    SELECT coalesce((SELECT at FROM lares.message_states WHERE id = $2 AND conversation = $1), 'infinity') AS before),
  said AS MATERIALIZED (
    SELECT * FROM lares.messages WHERE conversation = $1 AND at < (SELECT before FROM page)
    ORDER BY at DESC LIMIT $3),
  standing AS MATERIALIZED (
    SELECT conversation, at, status, sequence FROM lares.message_states
    WHERE conversation = $1 AND at < (SELECT before FROM page)
    ORDER BY at DESC LIMIT $3)
  SELECT ${COLUMNS} FROM said m JOIN standing s ON ${SAME_POSITION} ORDER BY m.at DESC`
const CHANGES = `
  SELECT ${COLUMNS} FROM lares.message_states s JOIN lares.messages m ON ${SAME_POSITION}
  WHERE s.conversation = $1 AND s.sequence > $2 ORDER BY s.sequence LIMIT $3`
const CONVERSATION = 'SELECT id, person, created_at AS "createdAt" FROM lares.conversations WHERE id = $1'
const CONVERSATIONS_OF_PERSON = `
  SELECT id, person, created_at AS "createdAt" FROM lares.conversations
  WHERE person = $1 ORDER BY created_at DESC, id DESC LIMIT $2`
const SELECT_BACKLOG = `
  SELECT c.person, count(*) AS count, min(m.created_at) AS "oldestAt"
  FROM lares.message_states s
  JOIN lares.messages m ON ${SAME_POSITION}
  JOIN lares.conversations c ON c.id = s.conversation
  WHERE s.status IN ('queued', 'answering') AND ($1::text IS NULL OR s.conversation = $1) GROUP BY c.person`

export function postgresHistory(database: Database, now: () => number): History {
  const { query } = database
  const messages = async (sql: string, values: unknown[], on = query) =>
    (await on<StoredMessage<HistoryMessage>>(sql, values)).map(parseMessageRow)
  const message = async (id: string, on = query) => (await messages(MESSAGE, [id], on))[0]
  return {
    accept: entry =>
      database.transaction(async on => {
        const { conversation, person } = entry
        const createdAt = entry.message.createdAt
        const { person: owner, lastAt } = await lockConversation(on, {
          conversation,
          person,
          createdAt,
          eventId: null,
        })
        if (owner !== person) throw new LaresError('not_found', `there is no conversation "${conversation}"`)
        const at = { lastAt, nowMs: now() }
        const sequence = await insertMessage(on, conversation, entry.message, at)
        if (sequence === undefined) return (await message(entry.message.id, on))!
        return { ...entry.message, conversation, sequence }
      }),
    conversation: async id => (await query<Conversation>(CONVERSATION, [id]))[0],
    message: id => message(id),
    conversations: (person, limit) => query<Conversation>(CONVERSATIONS_OF_PERSON, [person, limit]),
    list: async (id, { before, limit }) => (await messages(PAGE, [id, before ?? null, limit])).reverse(),
    backlog: id => query<Backlog>(SELECT_BACKLOG, [id ?? null]),
    changes: (id, sequence, limit) => messages(CHANGES, [id, sequence, limit]),
  }
}
