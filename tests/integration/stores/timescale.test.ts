import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPostgresStore } from '../../../shared/store/postgres/postgres-store.ts'
import { recordsSuite } from '../../../shared/store/records.suite.ts'
import type { MessageWrite, Store } from '../../../shared/store/store.ts'
import { timersSuite } from '../../../shared/store/timers.suite.ts'
import { userMessage } from '../../../shared/store/written.fixture.ts'
import { startOrSkip } from '../../support/npm-program.ts'
import { CALLS_PER_HOUR_QUERY, queryOnce, startPostgres } from '../../support/stores/postgres.ts'
import { startTimescale } from '../../support/stores/timescale.ts'

const timescale = (await startOrSkip(startTimescale))!
const plainPostgres = (await startOrSkip(() => startPostgres()))!

const DAYS = 120
const CONVERSATIONS = 5
const FIRST_DAY_MS = Date.parse('2026-01-01T00:00:00Z')
const HOUR_MS = 3_600_000

const CHUNKS_QUERY = `SELECT count(*)::int AS chunks, count(*) FILTER (WHERE is_compressed)::int AS compressed
  FROM timescaledb_information.chunks WHERE hypertable_name = 'messages'`
const PER_HOUR_QUERY =
  'SELECT hour::text, role, messages::int FROM lares.messages_per_hour ORDER BY hour, role'

describe.skipIf(!timescale || !plainPostgres)(`TimescaleDB ${timescale?.version}`, () => {
  let store: Store
  let reference: Store
  let plainUrl: string
  const nowMs = Date.now()
  /** The WebAssembly server has one connection, which the store's pool holds while it is open. */
  const beside = async (sql: string) => {
    await store.close()
    const rows = await queryOnce(timescale.url, sql)
    // It has one session too, which remembers the statements that the connection before prepared.
    await queryOnce(timescale.url, 'DEALLOCATE ALL')
    store = await open()
    return rows
  }
  const logged: string[] = []
  const note = (_: object, message: string) => void logged.push(message)
  const log = { debug: note, info: note, warn: note, error: note, child: () => log }
  const open = () => openPostgresStore({ url: timescale.url, poolSize: 1, log, now: () => nowMs })

  beforeAll(async () => {
    plainUrl = await plainPostgres.database()
    reference = await openPostgresStore({ url: plainUrl, log, now: () => nowMs })
    store = await open()
    for (const one of [store, reference]) await talkForMonths(one)
  }, 120_000)
  afterAll(async () => {
    await store?.close()
    await reference?.close()
    await plainPostgres?.close()
    await timescale?.close()
  })

  /** A message and its reply for each conversation and day. */
  async function talkForMonths(to: Store): Promise<void> {
    for (let talk = 0; talk < CONVERSATIONS; talk++)
      for (let day = 0; day < DAYS; day++) {
        const createdAt = new Date(FIRST_DAY_MS + day * 24 * HOUR_MS + talk * HOUR_MS).toISOString()
        const id = `${talk}-${day}`
        await to.step({
          conversation: `talk-${talk}`,
          person: 'owner',
          eventId: id,
          apply: () => ({
            state: { day },
            messages: [
              userMessage(`${id}-q`, { createdAt, status: 'answered' }),
              userMessage(`${id}-a`, {
                createdAt,
                role: 'assistant',
                inReplyTo: `${id}-q`,
                status: 'completed',
              }),
            ],
            outcome: null,
            modelCalls: [{ model: `model-${day % 3}`, inputTokens: day, outputTokens: talk }],
          }),
        })
      }
  }

  const set = (message: MessageWrite, eventId: string) => (to: Store) =>
    to.step({
      conversation: 'talk-1',
      person: 'owner',
      eventId,
      apply: () => ({ state: {}, messages: [message], outcome: null }),
    })

  async function seen(by: Store) {
    const pages = []
    for (const before of [undefined, '1-100-q', '1-30-a', '1-0-q'])
      pages.push(await by.history.list('talk-1', { limit: 20, ...(before && { before }) }))
    const changes = (await by.history.changes('talk-1', 0, 1_000)).map(({ id, text, status }) => [
      id,
      text,
      status,
    ])
    const withoutSequence = pages.map(page => page.map(({ sequence: _, ...row }) => row))
    return {
      withoutSequence,
      changes,
      one: (await by.history.message('1-3-q'))?.text,
      waiting: await by.history.backlog(),
    }
  }

  test('which of both it is, is said once at the start', () => {
    expect(logged.filter(line => line.startsWith('the history is kept'))).toEqual([
      expect.stringContaining('plain tables'),
      expect.stringContaining('TimescaleDB hypertables'),
    ])
  })

  test('the messages are in chunks, and what people see is what plain tables show', async () => {
    const [{ chunks }] = (await beside(CHUNKS_QUERY)) as [{ chunks: number }]
    expect(chunks).toBeGreaterThan(DAYS / 7)
    expect(await seen(store)).toEqual(await seen(reference))
  })

  test('compressed chunks show the same, and old messages can still change', async () => {
    await beside(`SELECT compress_chunk(c) FROM show_chunks('lares.messages') c`)
    const [{ chunks, compressed }] = (await beside(CHUNKS_QUERY)) as [{ chunks: number; compressed: number }]
    expect(compressed).toBe(chunks)
    expect(await seen(store)).toEqual(await seen(reference))
    const restated = set(userMessage('1-3-q', { status: 'failed', text: 'put right' }), 'late')
    for (const one of [store, reference]) await restated(one)
    const after = await seen(store)
    expect(after.one).toBe('put right')
    expect(after).toEqual(await seen(reference))
  })

  test('what is written into compressed chunks, as an import does, stands there like everything else', async () => {
    const old = { createdAt: '2026-01-02T03:04:05.678Z' }
    for (const one of [store, reference])
      for (const id of ['first', 'second'])
        await one.history.accept({ conversation: 'imported', person: 'owner', message: userMessage(id, old) })
    const rows = async (by: Store) =>
      (await by.history.list('imported', { limit: 9 })).map(({ id, createdAt }) => [id, createdAt])
    expect(await rows(store)).toEqual([
      ['first', old.createdAt],
      ['second', old.createdAt],
    ])
    expect(await rows(reference)).toEqual(await rows(store))
  })

  test('a person whose messages are compressed is forgotten, whole', async () => {
    const message = userMessage('of-carol', { createdAt: '2026-01-02T03:04:05.678Z' })
    await store.history.accept({ conversation: 'carols', person: 'carol', message })
    await beside(`SELECT compress_chunk(c, if_not_compressed => true) FROM show_chunks('lares.messages') c`)
    const count = () =>
      beside(`SELECT count(*)::int AS count FROM lares.messages WHERE conversation = 'carols'`)
    expect(await count()).toEqual([{ count: 1 }])
    expect(await store.rows.erase('carol')).toMatchObject({ conversations: 1, messages: 1 })
    expect(await count()).toEqual([{ count: 0 }])
  })

  test('messages per hour are the same, before and after the aggregate is filled, and with what came since', async () => {
    const expected = await queryOnce(plainUrl, PER_HOUR_QUERY)
    expect(expected.length).toBe(DAYS * CONVERSATIONS * 2)
    expect(await beside(PER_HOUR_QUERY)).toEqual(expected)
    await beside(`CALL refresh_continuous_aggregate('lares.messages_per_hour', NULL, '2026-04-01')`)
    expect(await beside(PER_HOUR_QUERY)).toEqual(expected)
    const late = set(userMessage('1-late', { createdAt: '2026-05-20T10:00:00.000Z' }), 'later')
    for (const one of [store, reference]) await late(one)
    expect(await beside(PER_HOUR_QUERY)).toEqual(await queryOnce(plainUrl, PER_HOUR_QUERY))
  })

  test('calls of models per hour are the same, and stay when the calls are dropped', async () => {
    const expected = await queryOnce(plainUrl, CALLS_PER_HOUR_QUERY)
    expect(expected.reduce((sum, { calls }) => sum + Number(calls), 0)).toBe(DAYS * CONVERSATIONS)
    expect(await beside(CALLS_PER_HOUR_QUERY)).toEqual(expected)
    await beside(`CALL refresh_continuous_aggregate('lares.model_calls_per_hour', NULL, NULL)`)
    await beside(`SELECT drop_chunks('lares.model_calls', INTERVAL '-9 days')`)
    expect(await beside('SELECT count(*)::int AS count FROM lares.model_calls')).toEqual([{ count: 0 }])
    expect(await beside(CALLS_PER_HOUR_QUERY)).toEqual(expected)
  })

  test('compression, retention and the aggregates have their policies', async () => {
    const jobs = await beside(
      `SELECT proc_name FROM timescaledb_information.jobs WHERE hypertable_schema IN ('lares', '_timescaledb_internal') ORDER BY 1`,
    )
    expect(jobs.map(({ proc_name }) => proc_name)).toEqual([
      'policy_compression',
      'policy_refresh_continuous_aggregate',
      'policy_refresh_continuous_aggregate',
      'policy_retention',
    ])
  })

  recordsSuite(() => store)
  timersSuite(() => store)
})

describe.skipIf(!timescale)('a database that gets TimescaleDB later', () => {
  test('is changed over at the next start, with everything in it', async () => {
    const later = await startTimescale({ extension: false })
    const open = () => openPostgresStore({ url: later.url, poolSize: 1 })
    const before = await open()
    for (const id of ['1', '2', '3'])
      await before.history.accept({ conversation: 'c', person: 'owner', message: userMessage(id) })
    await before.close()
    await queryOnce(later.url, 'CREATE EXTENSION timescaledb')
    await queryOnce(later.url, 'DEALLOCATE ALL')
    const after = await open()
    expect((await after.history.list('c', { limit: 9 })).map(({ id }) => id)).toEqual(['1', '2', '3'])
    await after.close()
    expect(
      await queryOnce(later.url, 'SELECT sum(messages)::int AS all FROM lares.messages_per_hour'),
    ).toEqual([{ all: 3 }])
    expect(await queryOnce(later.url, CHUNKS_QUERY)).toMatchObject([{ chunks: 1 }])
    await later.close()
  }, 60_000)
})
