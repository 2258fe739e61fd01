import { LaresError } from '../../base/errors.ts'
import type { Query } from '../../base/postgres/database.ts'
import { toJsonColumn } from '../json-columns.ts'
import type { MessageWrite } from '../store.ts'

/** A conversation whose row this transaction locks until it ends: all other writers of the conversation wait. */
export type LockedConversation = {
  person: string
  state: string | null
  outcome: string | null
  lastAt: number
}

const LOCK_CONVERSATION = `
  SELECT person, state, last_at AS "lastAt", (SELECT outcome FROM lares.journal WHERE event_id = $2) AS outcome
  FROM lares.conversations WHERE id = $1 FOR UPDATE`
const INSERT_CONVERSATION =
  'INSERT INTO lares.conversations (id, person, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING'

/**
 * Locks a conversation, and creates it if it does not exist. `outcome` is the one recorded under `eventId` before this
 * statement began to wait for the row. A null therefore does not prove that the event has no outcome.
 */
export async function lockConversation(
  query: Query,
  opening: { conversation: string; person: string; createdAt: string; eventId: string | null },
): Promise<LockedConversation> {
  const { conversation, person, createdAt, eventId } = opening
  const find = () => query<LockedConversation>(LOCK_CONVERSATION, [conversation, eventId])
  const [known] = await find()
  if (known) return known
  await query(INSERT_CONVERSATION, [conversation, person, createdAt])
  return (await find())[0]!
}

/** Known rows get their new status and text if either changed, and keep their place. All other rows are added. */
const UPSERT_MESSAGES = `
  WITH given AS MATERIALIZED (
    SELECT g.*, nextval('lares.changes') AS sequence
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::text[],
        $10::text[], $11::text[])
      AS g (id, role, text, in_reply_to, created_at, status, at, attachments, address, sender)
  ), changed AS (
    SELECT g.id, g.status, g.text, g.sequence, s.conversation, s.at, g.text <> m.text AS reworded
    FROM given g
    JOIN lares.message_states s USING (id)
    JOIN lares.messages m ON m.conversation = s.conversation AND m.at = s.at
    WHERE g.status <> s.status OR g.text <> m.text
  ), restated AS (
    UPDATE lares.message_states s SET status = c.status, sequence = c.sequence FROM changed c WHERE s.id = c.id
  ), fresh AS (
    SELECT * FROM given g WHERE NOT EXISTS (SELECT FROM lares.message_states s WHERE s.id = g.id)
  ), said AS (
    INSERT INTO lares.messages (conversation, at, id, role, text, in_reply_to, created_at, attachments, address, sender)
    SELECT $1, at, id, role, text, in_reply_to, created_at, attachments, address, sender FROM fresh
  ), stated AS (
    INSERT INTO lares.message_states (id, conversation, at, status, sequence)
    SELECT id, $1, at, status, sequence FROM fresh
  )
  SELECT conversation, at::text AS at, text FROM changed WHERE reworded`
/** A separate statement: TimescaleDB does not find compressed rows for an update through a join or inside WITH. */
const UPDATE_TEXT = 'UPDATE lares.messages SET text = $3 WHERE conversation = $1 AND at = $2::timestamptz'

/** Writes history rows of a locked conversation; returns the last place that it used. */
export async function upsertMessages(
  query: Query,
  conversation: string,
  messages: MessageWrite[],
  clock: { lastAt: number; nowMs: number },
): Promise<number> {
  const rows = [...new Map(messages.map(message => [message.id, message])).values()]
  if (rows.length === 0) return clock.lastAt
  const positions = assignPositions(rows, clock)
  const column = (of: (row: MessageWrite) => unknown) => rows.map(of)
  const reworded = await query<{ conversation: string; at: string; text: string }>(UPSERT_MESSAGES, [
    conversation,
    column(({ id }) => id),
    column(({ role }) => role),
    column(({ text }) => text),
    column(({ inReplyTo }) => inReplyTo),
    column(({ createdAt }) => createdAt),
    column(({ status }) => status),
    positions.map(toTimestamp),
    column(({ attachments }) => toJsonColumn(attachments)),
    column(({ address }) => toJsonColumn(address)),
    column(({ sender }) => toJsonColumn(sender)),
  ])
  for (const { conversation: of, at, text } of reworded) await query(UPDATE_TEXT, [of, at, text])
  return positions.at(-1)!
}

const INSERT_MESSAGE = `
  WITH stated AS (
    INSERT INTO lares.message_states (id, conversation, at, status, sequence)
    VALUES ($2, $1, $8::timestamptz, $7, nextval('lares.changes')) ON CONFLICT (id) DO NOTHING RETURNING sequence
  ), said AS (
    INSERT INTO lares.messages (conversation, at, id, role, text, in_reply_to, created_at, attachments, address, sender)
    SELECT $1, $8::timestamptz, $2, $3, $4, $5, $6, $10, $11, $12 FROM stated
  ), placed AS (
    UPDATE lares.conversations SET last_at = $9 WHERE id = $1 AND EXISTS (SELECT FROM stated)
  )
  SELECT sequence FROM stated`

/** Adds a message to a locked conversation and returns its sequence; undefined if the id already exists. */
export async function insertMessage(
  query: Query,
  conversation: string,
  message: MessageWrite,
  clock: { lastAt: number; nowMs: number },
): Promise<number | undefined> {
  const { id, role, text, inReplyTo, createdAt, status } = message
  const at = assignPositions([message], clock)[0]!
  const values = [
    conversation,
    id,
    role,
    text,
    inReplyTo,
    createdAt,
    status,
    toTimestamp(at),
    at,
    ...[message.attachments, message.address, message.sender].map(toJsonColumn),
  ]
  return (await query<{ sequence: number }>(INSERT_MESSAGE, values))[0]?.sequence
}

/**
 * Each row's write time in microseconds. It is never later than now (clocks differ), and always after the row before.
 */
function assignPositions(
  rows: MessageWrite[],
  { lastAt, nowMs }: { lastAt: number; nowMs: number },
): number[] {
  let last = lastAt
  return rows.map(({ createdAt }) => {
    const writtenMs = Date.parse(createdAt)
    if (Number.isNaN(writtenMs))
      throw new LaresError('invalid_request', `"${createdAt}" is no time at which a message can be written`)
    last = Math.max(Math.min(writtenMs, nowMs) * 1_000, last + 1)
    return last
  })
}

const toTimestamp = (micros: number): string =>
  new Date(Math.floor(micros / 1_000))
    .toISOString()
    .replace('Z', `${String(micros % 1_000).padStart(3, '0')}Z`)
