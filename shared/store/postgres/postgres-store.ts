import pg from 'pg'
import type { Log } from '../../base/log.ts'
import { noLog } from '../../base/log.ts'
import { type Database, openPool } from '../../base/postgres/database.ts'
import { migrate } from '../../base/postgres/migrations.ts'
import type { Conversations, StepRequest } from '../store.ts'
import { postgresAudit } from './audit.ts'
import { postgresHistory } from './history.ts'
import { hold, writeMessages } from './messages.ts'
import { postgresDocuments } from './records.ts'
import { postgresRows } from './rows.ts'
import { migrations } from './schema.ts'
import { postgresTimers } from './timers.ts'
import { layOutByTime } from './timescale.ts'

export type PostgresOptions = {
  /** postgres://user:password@host:port/database; the user must be allowed to create the schema `lares`. */
  url: string
  log?: Log
  /** Milliseconds since the epoch. */
  now?: () => number
  /** Connections that this process holds at most. */
  poolSize?: number
  /** How long a statement may take, waiting for another one included. */
  statementTimeoutMs?: number
  /** How long a server that is away is waited for at the start. */
  waitMs?: number
}

/** Opens the store, bringing its tables up to date first. Errors: `unavailable`, with the remedy. */
export async function openPostgresConversations(options: PostgresOptions): Promise<Conversations> {
  const {
    url,
    log = noLog,
    now = Date.now,
    poolSize = 8,
    statementTimeoutMs = 10_000,
    waitMs = 30_000,
  } = options
  const database = openPool({ url, log, poolSize, statementTimeoutMs })
  await migrate({ url, where: database.where, migrations, log, waitMs }, client => layOutByTime(client, log))
  const documents = postgresDocuments(database)
  return {
    step: stepping(database, now),
    history: postgresHistory(database, now),
    documents,
    timers: postgresTimers(database),
    rows: postgresRows(database, now, documents),
    audit: postgresAudit(database),
    async trimJournal(beforeMs) {
      await database.query('DELETE FROM lares.journal WHERE at_ms < $1', [beforeMs])
    },
    async check() {
      // Writes, so that a standby or a server that is read-only does not pass.
      await database.query(`SELECT nextval('lares.changes')`)
    },
    close: database.close,
  }
}

const RECORD = `
  WITH recorded AS (
    INSERT INTO lares.journal (event_id, conversation, outcome, at_ms) VALUES ($2, $1, $3, $4)
  ) UPDATE lares.conversations SET state = $5, last_at = $6 WHERE id = $1`
const CALLED = `
  INSERT INTO lares.model_calls (at, model, input_tokens, output_tokens) VALUES (to_timestamp($1::float8 / 1000), $2, $3, $4)`
const OUTCOME = 'SELECT outcome FROM lares.journal WHERE event_id = $1'

/** The row of the conversation is held from the reading of its state to the commit, so steps of it take turns. */
function stepping(database: Database, now: () => number): Conversations['step'] {
  const apply = <State, Outcome>(request: StepRequest<State, Outcome>): Promise<string> =>
    database.transaction(async query => {
      const { conversation, eventId } = request
      const nowMs = now()
      const held = await hold(query, { ...request, createdAt: new Date(nowMs).toISOString() })
      if (held.outcome !== null) return held.outcome
      const step = request.apply(held.state === null ? undefined : (JSON.parse(held.state) as State))
      const lastAt = await writeMessages(query, conversation, step.messages, { lastAt: held.lastAt, nowMs })
      const outcome = JSON.stringify(step.outcome)
      await query(RECORD, [conversation, eventId, outcome, nowMs, JSON.stringify(step.state), lastAt])
      for (const { model, inputTokens, outputTokens } of step.modelCalls ?? [])
        await query(CALLED, [nowMs, model, inputTokens, outputTokens])
      return outcome
    })
  // Two deliveries of one event at once: the second waited for the row, and finds at its end that it came too late.
  const recorded = async (eventId: string, error: unknown): Promise<string> => {
    if (!isRecordedAlready(error)) throw error
    return (await database.query<{ outcome: string }>(OUTCOME, [eventId]))[0]!.outcome
  }
  return async request => {
    const outcome = await apply(request).catch(error => recorded(request.eventId, error))
    return JSON.parse(outcome)
  }
}

const isRecordedAlready = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === '23505' && error.constraint === 'journal_pkey'
