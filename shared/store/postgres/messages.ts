import { LaresError } from '../../base/errors.ts'
import type { Query } from '../../base/postgres/database.ts'
import { stored } from '../attachment-notes.ts'
import type { MessageWrite } from '../store.ts'

/** A conversation whose row this transaction holds until it ends: all other writers of the conversation wait. */
export type Held = { person: string; state: string | null; outcome: string | null; lastAt: number }

const HOLD = `
  SELECT person, state, last_at AS "lastAt", (SELECT outcome FROM lares.journal WHERE event_id = $2) AS outcome
  FROM lares.conversations WHERE id = $1 FOR UPDATE`
const OPEN =
  'INSERT INTO lares.conversations (id, person, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING'

/**
 * Holds a conversation, making it when there is none. `outcome` is what was recorded under `eventId` before this
 * statement began to wait for the row, so a null is no proof that there is none.
 */
export async function hold(
  query: Query,
  opening: { conversation: string; person: string; createdAt: string; eventId: string | null },
): Promise<Held> {
  const { conversation, person, createdAt, eventId } = opening
  const find = () => query<Held>(HOLD, [conversation, eventId])
  const [known] = await find()
  if (known) return known
  await query(OPEN, [conversation, person, createdAt])
  return (await find())[0]!
}

/** Rows that are known get their new status and text, if there is a change, and keep their place; all others are added. */
const WRITE = `
  WITH given AS MATERIALIZED (
    SELECT g.*, nextval('lares.changes') AS sequence
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::text[])
      AS g (id, role, text, in_reply_to, created_at, status, at, attachments)
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
    INSERT INTO lares.messages (conversation, at, id, role, text, in_reply_to, created_at, attachments)
    SELECT $1, at, id, role, text, in_reply_to, created_at, attachments FROM fresh
  ), stated AS (
    INSERT INTO lares.message_states (id, conversation, at, status, sequence)
    SELECT id, $1, at, status, sequence FROM fresh
  )
  SELECT conversation, at::text AS at, text FROM changed WHERE reworded`
/** By itself: TimescaleDB does not find a compressed row that is to be changed through a join or inside of WITH. */
const REWORD = 'UPDATE lares.messages SET text = $3 WHERE conversation = $1 AND at = $2::timestamptz'

/** Writes history rows of a held conversation; gives back the last place that it took. */
export async function writeMessages(
  query: Query,
  conversation: string,
  messages: MessageWrite[],
  place: { lastAt: number; nowMs: number },
): Promise<number> {
  const rows = [...new Map(messages.map(message => [message.id, message])).values()]
  if (rows.length === 0) return place.lastAt
  const places = placesFor(rows, place)
  const column = (of: (row: MessageWrite) => unknown) => rows.map(of)
  const reworded = await query<{ conversation: string; at: string; text: string }>(WRITE, [
    conversation,
    column(({ id }) => id),
    column(({ role }) => role),
    column(({ text }) => text),
    column(({ inReplyTo }) => inReplyTo),
    column(({ createdAt }) => createdAt),
    column(({ status }) => status),
    places.map(timeOf),
    column(stored),
  ])
  for (const { conversation: of, at, text } of reworded) await query(REWORD, [of, at, text])
  return places.at(-1)!
}

const ENTER = `
  WITH stated AS (
    INSERT INTO lares.message_states (id, conversation, at, status, sequence)
    VALUES ($2, $1, $8::timestamptz, $7, nextval('lares.changes')) ON CONFLICT (id) DO NOTHING RETURNING sequence
  ), said AS (
    INSERT INTO lares.messages (conversation, at, id, role, text, in_reply_to, created_at, attachments)
    SELECT $1, $8::timestamptz, $2, $3, $4, $5, $6, $10 FROM stated
  ), placed AS (
    UPDATE lares.conversations SET last_at = $9 WHERE id = $1 AND EXISTS (SELECT FROM stated)
  )
  SELECT sequence FROM stated`

/** Adds a message to a held conversation and gives back its sequence; undefined when there is one of that id. */
export async function enterMessage(
  query: Query,
  conversation: string,
  message: MessageWrite,
  place: { lastAt: number; nowMs: number },
): Promise<number | undefined> {
  const { id, role, text, inReplyTo, createdAt, status } = message
  const at = placesFor([message], place)[0]!
  const values = [conversation, id, role, text, inReplyTo, createdAt, status, timeOf(at), at, stored(message)]
  return (await query<{ sequence: number }>(ENTER, values))[0]?.sequence
}

/** Microseconds: when each was written, never later than now (clocks differ), and each after the one before. */
function placesFor(rows: MessageWrite[], { lastAt, nowMs }: { lastAt: number; nowMs: number }): number[] {
  let last = lastAt
  return rows.map(({ createdAt }) => {
    const writtenMs = Date.parse(createdAt)
    if (Number.isNaN(writtenMs))
      throw new LaresError('invalid_request', `"${createdAt}" is no time at which a message can be written`)
    last = Math.max(Math.min(writtenMs, nowMs) * 1_000, last + 1)
    return last
  })
}

const timeOf = (micros: number): string =>
  new Date(Math.floor(micros / 1_000))
    .toISOString()
    .replace('Z', `${String(micros % 1_000).padStart(3, '0')}Z`)
