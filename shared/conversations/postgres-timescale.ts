import type pg from 'pg'
import type { Log } from '../log.ts'
import { alone } from '../postgres/migrate.ts'

const CHUNK = '7 days'
const COMPRESS_AFTER = '30 days'

/** The extension and its licence: the Apache edition has neither compression nor continuous aggregates. */
const EXTENSION = `
  SELECT extversion AS version, current_setting('timescaledb.license', true) AS license
  FROM pg_extension WHERE extname = 'timescaledb'`

/**
 * Makes `messages` a hypertable where the extension TimescaleDB is in the database: old chunks are compressed, and the
 * count of messages by hour is kept up to date. Elsewhere the same view counts when it is read. It may run at each start, and a
 * database that gets the extension later is changed over at the next one. `log` is told once which it is.
 */
export async function layOutMessages(client: pg.Client, log: Log): Promise<void> {
  const { rows } = await client.query(EXTENSION)
  const { version, license } = rows[0] ?? {}
  if (license === 'timescale') {
    await alone(client, () => makeHypertable(client))
    log.info({ timescaledb: version }, 'the history is kept in TimescaleDB hypertables')
  } else {
    await alone(client, () => client.query(PLAIN))
    log.info({}, 'the history is kept in plain tables: this database has no TimescaleDB with compression')
  }
}

const PLAIN = `
  CREATE OR REPLACE VIEW lares.messages_per_hour AS
  SELECT date_trunc('hour', at, 'UTC') AS hour, role, count(*) AS messages FROM lares.messages GROUP BY 1, 2`

const IS_HYPERTABLE = `
  SELECT 1 FROM timescaledb_information.hypertables WHERE hypertable_schema = 'lares' AND hypertable_name = 'messages'`

const HYPERTABLE = `
  DROP VIEW IF EXISTS lares.messages_per_hour;
  SELECT create_hypertable('lares.messages', 'at', chunk_time_interval => INTERVAL '${CHUNK}', migrate_data => true, create_default_indexes => false);
  ALTER TABLE lares.messages SET (
    timescaledb.compress, timescaledb.compress_segmentby = 'conversation', timescaledb.compress_orderby = 'at DESC');
  SELECT add_compression_policy('lares.messages', INTERVAL '${COMPRESS_AFTER}');
  CREATE MATERIALIZED VIEW lares.messages_per_hour
    WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
    SELECT time_bucket(INTERVAL '1 hour', at) AS hour, role, count(*) AS messages FROM lares.messages GROUP BY 1, 2
    WITH NO DATA;
  SELECT add_continuous_aggregate_policy('lares.messages_per_hour',
    start_offset => INTERVAL '3 days', end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '30 minutes')`

async function makeHypertable(client: pg.Client): Promise<void> {
  if ((await client.query(IS_HYPERTABLE)).rows.length === 0) await client.query(HYPERTABLE)
}
