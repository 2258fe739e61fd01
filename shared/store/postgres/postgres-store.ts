import pg from 'pg'
import type { Logger } from '../../base/log.ts'
import { silentLogger } from '../../base/log.ts'
import { type Database, openPool } from '../../base/postgres/database.ts'
import { migrate } from '../../base/postgres/migrations.ts'
import type { StepRequest, Store } from '../store.ts'
import { postgresAudit } from './audit.ts'
import { postgresCopy } from './copy.ts'
import { postgresHistory } from './history.ts'
import { lockConversation, upsertMessages } from './messages.ts'
import { postgresRecords } from './records.ts'
import { postgresRows } from './rows.ts'
import { migrations } from './schema.ts'
import { postgresTimers } from './timers.ts'
import { setUpTimescale } from './timescale.ts'

export type PostgresStoreOptions = {
  /** postgres://user:password@host:port/database; the user must be allowed to create the schema `lares`. */
  url: string
  log?: Logger
  /** Milliseconds since the epoch. */
  now?: () => number
  /** The most connections that this process opens. */
  poolSize?: number
  /** The longest time a statement may take, including its waits for other statements. */
  statementTimeoutMs?: number
  /** How long the start waits for an unreachable server. */
  waitMs?: number
}

/** Opens the store after it brings the tables up to date. Errors: `unavailable`, with the remedy. */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const {
    url,
    log = silentLogger,
    now = Date.now,
    poolSize = 8,
    statementTimeoutMs = 10_000,
    waitMs = 30_000,
  } = options
  const database = openPool({ url, log, poolSize, statementTimeoutMs })
  await migrate({ url, displayName: database.displayName, migrations, log, waitMs }, client =>
    setUpTimescale(client, log),
  )
  const records = postgresRecords(database)
  return {
    step: createStep(database, now),
    history: postgresHistory(database, now),
    records,
    timers: postgresTimers(database),
    rows: postgresRows(database, now, records),
    audit: postgresAudit(database),
    copy: postgresCopy(database, now, records),
    async trimJournal(beforeMs) {
      await database.query('DELETE FROM lares.journal WHERE at_ms < $1', [beforeMs])
    },
    async check() {
      // The check writes, so a standby or a read-only server fails it.
      await database.query(`SELECT nextval('lares.changes')`)
    },
    close: database.close,
  }
}

const RECORD_STEP = `
  WITH recorded AS (
    INSERT INTO lares.journal (event_id, conversation, outcome, at_ms) VALUES ($2, $1, $3, $4)
  ) UPDATE lares.conversations SET state = $5, last_at = $6 WHERE id = $1`
const INSERT_MODEL_CALL = `
  INSERT INTO lares.model_calls (at, model, input_tokens, output_tokens) VALUES (to_timestamp($1::float8 / 1000), $2, $3, $4)`
const SELECT_OUTCOME = 'SELECT outcome FROM lares.journal WHERE event_id = $1'

/** The transaction locks the conversation's row from reading its state to the commit, so steps take turns. */
function createStep(database: Database, now: () => number): Store['step'] {
  const applyStep = <State, Outcome>(request: StepRequest<State, Outcome>): Promise<string> =>
    database.transaction(async query => {
      const { conversation, eventId } = request
      const nowMs = now()
      const locked = await lockConversation(query, { ...request, createdAt: new Date(nowMs).toISOString() })
      if (locked.outcome !== null) return locked.outcome
      const step = request.apply(locked.state === null ? undefined : (JSON.parse(locked.state) as State))
      const lastAt = await upsertMessages(query, conversation, step.messages, {
        lastAt: locked.lastAt,
        nowMs,
      })
      const outcome = JSON.stringify(step.outcome)
      await query(RECORD_STEP, [conversation, eventId, outcome, nowMs, JSON.stringify(step.state), lastAt])
      for (const { model, inputTokens, outputTokens } of step.modelCalls ?? [])
        await query(INSERT_MODEL_CALL, [nowMs, model, inputTokens, outputTokens])
      return outcome
    })
  // If one event is delivered twice at once, the second step waits for the row and then finds the outcome recorded.
  const recordedOutcome = async (eventId: string, error: unknown): Promise<string> => {
    if (!isRecordedAlready(error)) throw error
    return (await database.query<{ outcome: string }>(SELECT_OUTCOME, [eventId]))[0]!.outcome
  }
  return async request => {
    const outcome = await applyStep(request).catch(error => recordedOutcome(request.eventId, error))
    return JSON.parse(outcome)
  }
}

const isRecordedAlready = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === '23505' && error.constraint === 'journal_pkey'
