import type pg from 'pg'
import type { Logger } from '../../base/log.ts'
import { withMigrationLock } from '../../base/postgres/migrations.ts'

const CHUNK = '7 days'
const COMPRESS_AFTER = '30 days'
/** How long single model calls are kept; their hourly totals stay. */
const CALLS_RETENTION = '90 days'

/** The extension and its licence: the Apache edition has neither compression nor continuous aggregates. */
const EXTENSION = `
  SELECT extversion AS version, current_setting('timescaledb.license', true) AS license
  FROM pg_extension WHERE extname = 'timescaledb'`

/**
 * Makes `messages` and `model_calls` hypertables if the database has the extension TimescaleDB. TimescaleDB then
 * compresses old chunks of messages, drops old calls, and keeps hourly counts of both up to date. Without it the same
 * views count when they are read, and nothing is dropped. The setup may run at each start. If a database gets the
 * extension later, the next start migrates the tables. The setup logs once which case applies.
 */
export async function setUpTimescale(client: pg.Client, log: Logger): Promise<void> {
  const { rows } = await client.query(EXTENSION)
  const { version, license } = rows[0] ?? {}
  if (license === 'timescale') {
    await withMigrationLock(client, () => makeHypertables(client))
    log.info({ timescaledb: version }, 'the history is kept in TimescaleDB hypertables')
  } else {
    await withMigrationLock(client, () => client.query(PLAIN_VIEWS))
    log.info({}, 'the history is kept in plain tables: this database has no TimescaleDB with compression')
  }
}

/** The hourly counts; `hour` is the expression that truncates a row's time to the hour. */
const messagesPerHour = (hour: string) =>
  `SELECT ${hour} AS hour, role, count(*) AS messages FROM lares.messages GROUP BY 1, 2`
const callsPerHour = (hour: string) => `
  SELECT ${hour} AS hour, model, count(*) AS calls, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens
  FROM lares.model_calls GROUP BY 1, 2`

const PLAIN_HOUR = `date_trunc('hour', at, 'UTC')`
const PLAIN_VIEWS = `
  CREATE OR REPLACE VIEW lares.messages_per_hour AS ${messagesPerHour(PLAIN_HOUR)};
  CREATE OR REPLACE VIEW lares.model_calls_per_hour AS ${callsPerHour(PLAIN_HOUR)}`

const TIME_BUCKET = `time_bucket(INTERVAL '1 hour', at)`
const createHypertable = (table: string) => `
  SELECT create_hypertable('lares.${table}', 'at', chunk_time_interval => INTERVAL '${CHUNK}', migrate_data => true, create_default_indexes => false)`
const createContinuousAggregate = (view: string, query: string) => `
  CREATE MATERIALIZED VIEW lares.${view} WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
    ${query} WITH NO DATA;
  SELECT add_continuous_aggregate_policy('lares.${view}',
    start_offset => INTERVAL '3 days', end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '30 minutes')`

const HYPERTABLES = {
  messages: `
    DROP VIEW IF EXISTS lares.messages_per_hour;
    ${createHypertable('messages')};
    ALTER TABLE lares.messages SET (
      timescaledb.compress, timescaledb.compress_segmentby = 'conversation', timescaledb.compress_orderby = 'at DESC');
    SELECT add_compression_policy('lares.messages', INTERVAL '${COMPRESS_AFTER}');
    ${createContinuousAggregate('messages_per_hour', messagesPerHour(TIME_BUCKET))}`,
  model_calls: `
    DROP VIEW IF EXISTS lares.model_calls_per_hour;
    ${createHypertable('model_calls')};
    ${createContinuousAggregate('model_calls_per_hour', callsPerHour(TIME_BUCKET))};
    SELECT add_retention_policy('lares.model_calls', INTERVAL '${CALLS_RETENTION}')`,
}

const IS_HYPERTABLE = `
  SELECT 1 FROM timescaledb_information.hypertables WHERE hypertable_schema = 'lares' AND hypertable_name = $1`

async function makeHypertables(client: pg.Client): Promise<void> {
  for (const [table, statements] of Object.entries(HYPERTABLES))
    if ((await client.query(IS_HYPERTABLE, [table])).rows.length === 0) await client.query(statements)
}
