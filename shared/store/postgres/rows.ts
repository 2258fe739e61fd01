import type { Database, Query } from '../../base/postgres/database.ts'
import { restored, type Stored } from '../attachment-notes.ts'
import type { Documents, Forgotten, MessageWrite, Row, Rows } from '../store.ts'
import { enterMessage, hold } from './messages.ts'

const PAGE = 500

const CONVERSATIONS = `
  SELECT id, person, created_at AS "createdAt", state FROM lares.conversations WHERE person = $1 AND id > $2
  ORDER BY id LIMIT ${PAGE}`
const MESSAGES = `
  SELECT m.at::text AS place, m.id, m.role, m.text, m.in_reply_to AS "inReplyTo", m.created_at AS "createdAt", s.status,
    m.attachments
  FROM lares.messages m JOIN lares.message_states s ON s.id = m.id
  WHERE m.conversation = $1 AND m.at > $2::timestamptz ORDER BY m.at LIMIT ${PAGE}`
const DOCUMENTS = `
  SELECT number, collection, id, person, text, body, created_at AS "createdAt" FROM lares.documents
  WHERE person = $1 AND number > $2 ORDER BY number LIMIT ${PAGE}`
const TIMERS = `
  SELECT id, conversation, person, text, language, due_at AS "dueAt", state FROM lares.timers
  WHERE person = $1 AND id > $2 ORDER BY id LIMIT ${PAGE}`
const PEOPLE = `
  SELECT person FROM lares.conversations UNION SELECT person FROM lares.documents UNION SELECT person FROM lares.timers`

const OPEN = `
  INSERT INTO lares.conversations (id, person, created_at, state) VALUES ($1, $2, $3, $4)
  ON CONFLICT DO NOTHING RETURNING 1`
const TIMER = `
  INSERT INTO lares.timers (id, conversation, person, text, language, due_at, state) VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT DO NOTHING RETURNING 1`

const HELD = 'SELECT id FROM lares.conversations WHERE person = $1 FOR UPDATE'
/** By itself and by one conversation: TimescaleDB does not find compressed rows through a join or inside of WITH. */
const SAID = 'DELETE FROM lares.messages WHERE conversation = $1'

type ConversationRow = { id: string; person: string; createdAt: string; state: string | null }
type MessageRow = Stored<MessageWrite & { place: string }>
type DocumentRow = Omit<Extract<Row, { kind: 'document' }>, 'kind' | 'body'> & {
  body: string
  number: number
}
type TimerRow = Omit<Extract<Row, { kind: 'timer' }>, 'kind'>

export function postgresRows(database: Database, now: () => number, documents: Documents): Rows {
  const { query } = database
  return {
    async people() {
      const rows = await query<{ person: string }>(PEOPLE)
      return rows.map(({ person }) => person).filter(person => person !== '')
    },
    async *read(person) {
      const page =
        <R extends object>(sql: string, of: string) =>
        (after: string | number) =>
          query<R>(sql, [of, after])
      for await (const { state, ...row } of pages(
        page<ConversationRow>(CONVERSATIONS, person),
        '',
        ({ id }) => id,
      )) {
        yield { kind: 'conversation', ...row, ...(state !== null && { state: JSON.parse(state) }) }
        const messages = pages(page<MessageRow>(MESSAGES, row.id), '-infinity', ({ place }) => place)
        for await (const one of messages) {
          const { place: _, ...message } = restored(one)
          yield { kind: 'message', conversation: row.id, person, ...message }
        }
      }
      for await (const { number: _, ...row } of pages(
        page<DocumentRow>(DOCUMENTS, person),
        0,
        ({ number }) => number,
      ))
        yield { ...row, kind: 'document', body: JSON.parse(row.body) }
      for await (const row of pages(page<TimerRow>(TIMERS, person), '', ({ id }) => id))
        yield { ...row, kind: 'timer' }
    },
    async write(rows) {
      let isNew = 0
      for (const row of rows) if (await writeRow(database, row, documents, now())) isNew++
      return isNew
    },
    forget: person => database.transaction(query => forget(query, person)),
  }
}

async function* pages<R>(
  page: (after: string | number) => Promise<R[]>,
  start: string | number,
  placeOf: (row: R) => string | number,
): AsyncGenerator<R> {
  let after = start
  for (;;) {
    const rows = await page(after)
    yield* rows
    if (rows.length < PAGE) return
    after = placeOf(rows.at(-1)!)
  }
}

async function writeRow(database: Database, row: Row, documents: Documents, nowMs: number): Promise<boolean> {
  const { query } = database
  if (row.kind === 'document') {
    const { kind: _, collection, ...document } = row
    return await documents.insert(collection, document)
  }
  if (row.kind === 'conversation') {
    const state = row.state === undefined ? null : JSON.stringify(row.state)
    return (await query(OPEN, [row.id, row.person, row.createdAt, state])).length > 0
  }
  if (row.kind === 'message') return await writeMessage(database, row, nowMs)
  const { id, conversation, person, text, language, dueAt, state } = row
  return (await query(TIMER, [id, conversation, person, text, language, dueAt, state])).length > 0
}

const writeMessage = (
  database: Database,
  { conversation, person, ...message }: Extract<Row, { kind: 'message' }>,
  nowMs: number,
): Promise<boolean> =>
  database.transaction(async query => {
    const opening = { conversation, person, createdAt: message.createdAt, eventId: null }
    const { lastAt } = await hold(query, opening)
    return (await enterMessage(query, conversation, message, { lastAt, nowMs })) !== undefined
  })

async function forget(query: Query, person: string): Promise<Forgotten> {
  const mine = '(SELECT id FROM lares.conversations WHERE person = $1)'
  const remove = async (sql: string) =>
    (
      await query<{ count: number }>(
        `WITH gone AS (DELETE FROM lares.${sql} RETURNING 1) SELECT count(*) AS count FROM gone`,
        [person],
      )
    )[0]!.count
  // In this order, and held against steps that would add to it: the row of a conversation first.
  const held = await query<{ id: string }>(HELD, [person])
  const messages = await remove(`message_states WHERE conversation IN ${mine}`)
  for (const { id } of held) await query(SAID, [id])
  await remove(`journal WHERE conversation IN ${mine}`)
  return {
    messages,
    conversations: await remove('conversations WHERE person = $1'),
    documents: await remove('documents WHERE person = $1'),
    timers: await remove('timers WHERE person = $1'),
  }
}
