import type { Database, Query } from '../../base/postgres/database.ts'
import {
  parseAddressColumn,
  parseMessageRow,
  type StoredMessage,
  toJsonColumn,
  type WithAddressJson,
} from '../json-columns.ts'
import type { ErasedCounts, MessageWrite, Records, StoreRow, StoreRows } from '../store.ts'
import { insertMessage, lockConversation } from './messages.ts'

const PAGE_SIZE = 500

const SELECT_CONVERSATIONS = `
  SELECT id, person, created_at AS "createdAt", state FROM lares.conversations WHERE person = $1 AND id > $2
  ORDER BY id LIMIT ${PAGE_SIZE}`
const SELECT_MESSAGES = `
  SELECT m.at::text AS place, m.id, m.role, m.text, m.in_reply_to AS "inReplyTo", m.created_at AS "createdAt", s.status,
    m.attachments, m.address, m.sender
  FROM lares.messages m JOIN lares.message_states s ON s.id = m.id
  WHERE m.conversation = $1 AND m.at > $2::timestamptz ORDER BY m.at LIMIT ${PAGE_SIZE}`
const SELECT_RECORDS = `
  SELECT number, collection, id, person, text, body, created_at AS "createdAt" FROM lares.documents
  WHERE person = $1 AND number > $2 ORDER BY number LIMIT ${PAGE_SIZE}`
const SELECT_TIMERS = `
  SELECT id, conversation, person, text, language, due_at AS "dueAt", state, address FROM lares.timers
  WHERE person = $1 AND id > $2 ORDER BY id LIMIT ${PAGE_SIZE}`
const SELECT_PEOPLE = `
  SELECT person FROM lares.conversations UNION SELECT person FROM lares.documents UNION SELECT person FROM lares.timers`

const INSERT_CONVERSATION = `
  INSERT INTO lares.conversations (id, person, created_at, state) VALUES ($1, $2, $3, $4)
  ON CONFLICT DO NOTHING RETURNING 1`
const INSERT_TIMER = `
  INSERT INTO lares.timers (id, conversation, person, text, language, due_at, state, address)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
  ON CONFLICT DO NOTHING RETURNING 1`

const LOCK_CONVERSATIONS = 'SELECT id FROM lares.conversations WHERE person = $1 FOR UPDATE'
/**
 * A separate statement for each conversation: TimescaleDB does not find compressed rows through a join or inside WITH.
 */
const DELETE_MESSAGES = 'DELETE FROM lares.messages WHERE conversation = $1'

type ConversationRow = { id: string; person: string; createdAt: string; state: string | null }
type MessageRow = StoredMessage<MessageWrite & { place: string }>
type RecordRow = Omit<Extract<StoreRow, { kind: 'document' }>, 'kind' | 'body'> & {
  body: string
  number: number
}
type TimerRow = WithAddressJson<Omit<Extract<StoreRow, { kind: 'timer' }>, 'kind'>>

export function postgresRows(database: Database, now: () => number, records: Records): StoreRows {
  const { query } = database
  return {
    async people() {
      const rows = await query<{ person: string }>(SELECT_PEOPLE)
      return rows.map(({ person }) => person).filter(person => person !== '')
    },
    async *read(person) {
      const page =
        <R extends object>(sql: string, of: string) =>
        (after: string | number) =>
          query<R>(sql, [of, after])
      for await (const { state, ...row } of readPages(
        page<ConversationRow>(SELECT_CONVERSATIONS, person),
        '',
        ({ id }) => id,
      )) {
        yield { kind: 'conversation', ...row, ...(state !== null && { state: JSON.parse(state) }) }
        const messages = readPages(
          page<MessageRow>(SELECT_MESSAGES, row.id),
          '-infinity',
          ({ place }) => place,
        )
        for await (const one of messages) {
          const { place: _, ...message } = parseMessageRow(one)
          yield { kind: 'message', conversation: row.id, person, ...message }
        }
      }
      for await (const { number: _, ...row } of readPages(
        page<RecordRow>(SELECT_RECORDS, person),
        0,
        ({ number }) => number,
      ))
        yield { ...row, kind: 'document', body: JSON.parse(row.body) }
      for await (const row of readPages(page<TimerRow>(SELECT_TIMERS, person), '', ({ id }) => id))
        yield { ...parseAddressColumn(row), kind: 'timer' }
    },
    async write(rows) {
      let isNew = 0
      for (const row of rows) if (await writeRow(database, row, records, now())) isNew++
      return isNew
    },
    erase: person => database.transaction(query => eraseRows(query, person)),
  }
}

async function* readPages<R>(
  page: (after: string | number) => Promise<R[]>,
  start: string | number,
  cursorOf: (row: R) => string | number,
): AsyncGenerator<R> {
  let after = start
  for (;;) {
    const rows = await page(after)
    yield* rows
    if (rows.length < PAGE_SIZE) return
    after = cursorOf(rows.at(-1)!)
  }
}

async function writeRow(
  database: Database,
  row: StoreRow,
  records: Records,
  nowMs: number,
): Promise<boolean> {
  const { query } = database
  if (row.kind === 'document') {
    const { kind: _, collection, ...record } = row
    return await records.insert(collection, record)
  }
  if (row.kind === 'conversation') {
    const state = row.state === undefined ? null : JSON.stringify(row.state)
    return (await query(INSERT_CONVERSATION, [row.id, row.person, row.createdAt, state])).length > 0
  }
  if (row.kind === 'message') return await insertMessageRow(database, row, nowMs)
  const { id, conversation, person, text, language, dueAt, state, address } = row
  const values = [id, conversation, person, text, language, dueAt, state, toJsonColumn(address)]
  return (await query(INSERT_TIMER, values)).length > 0
}

const insertMessageRow = (
  database: Database,
  { conversation, person, ...message }: Extract<StoreRow, { kind: 'message' }>,
  nowMs: number,
): Promise<boolean> =>
  database.transaction(async query => {
    const opening = { conversation, person, createdAt: message.createdAt, eventId: null }
    const { lastAt } = await lockConversation(query, opening)
    return (await insertMessage(query, conversation, message, { lastAt, nowMs })) !== undefined
  })

const LOCK_GROUPS = `SELECT id FROM lares.conversations WHERE person LIKE 'group/%' ORDER BY id FOR UPDATE`
const SELECT_SAID_IN = `
  SELECT id, at::text AS at FROM lares.messages
  WHERE conversation = $1 AND sender IS NOT NULL AND sender::json ->> 'person' = $2`
const DELETE_MESSAGE = 'DELETE FROM lares.messages WHERE conversation = $1 AND at = $2::timestamptz'

/** Erases the messages that a person sent in groups, and the replies to them. */
async function eraseGroupMessages(query: Query, person: string): Promise<number> {
  let count = 0
  for (const { id: conversation } of await query<{ id: string }>(LOCK_GROUPS, [])) {
    const said = await query<{ id: string; at: string }>(SELECT_SAID_IN, [conversation, person])
    await query('DELETE FROM lares.message_states WHERE id = ANY ($1::text[])', [said.map(({ id }) => id)])
    for (const { at } of said) await query(DELETE_MESSAGE, [conversation, at])
    count += said.length
  }
  return count
}

async function eraseRows(query: Query, person: string): Promise<ErasedCounts> {
  const theirConversations = '(SELECT id FROM lares.conversations WHERE person = $1)'
  const remove = async (sql: string) =>
    (
      await query<{ count: number }>(
        `WITH gone AS (DELETE FROM lares.${sql} RETURNING 1) SELECT count(*) AS count FROM gone`,
        [person],
      )
    )[0]!.count
  // The order matters: locking the rows of the conversations first keeps steps from adding to them meanwhile.
  const locked = await query<{ id: string }>(LOCK_CONVERSATIONS, [person])
  const inGroups = await eraseGroupMessages(query, person)
  const messages = inGroups + (await remove(`message_states WHERE conversation IN ${theirConversations}`))
  for (const { id } of locked) await query(DELETE_MESSAGES, [id])
  await remove(`journal WHERE conversation IN ${theirConversations}`)
  return {
    messages,
    conversations: await remove('conversations WHERE person = $1'),
    documents: await remove('documents WHERE person = $1'),
    timers: await remove('timers WHERE person = $1'),
  }
}
