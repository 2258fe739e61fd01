import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLogger } from '../../../shared/base/log.ts'
import { migrate } from '../../../shared/base/postgres/migrations.ts'
import { countingStep } from '../../../shared/store/member.fixture.ts'
import { openPostgresStore } from '../../../shared/store/postgres/postgres-store.ts'
import type { Store } from '../../../shared/store/store.ts'
import { userMessage } from '../../../shared/store/written.fixture.ts'
import { startOrSkip } from '../../support/npm-program.ts'
import { startStallingProxy } from '../../support/stalling-proxy.ts'
import { type PostgresServer, queryOnce, startPostgres } from '../../support/stores/postgres.ts'
import { until } from '../../support/until.ts'

const MAX_CONNECTIONS = 20
const server = (await startOrSkip(() => startPostgres({ max_connections: String(MAX_CONNECTIONS) })))!

/** The failures that a real server inflicts on its clients. */
describe.skipIf(!server)('conversations on a PostgreSQL that fails', () => {
  const stores: Store[] = []
  const open = async (options: Parameters<typeof openPostgresStore>[0]) => {
    const store = await openPostgresStore({ waitMs: 0, ...options })
    stores.push(store)
    return store
  }
  let url: string
  let store: Store

  beforeAll(async () => {
    url = await server.database()
    store = await open({ url, statementTimeoutMs: 1_000 })
  })
  afterAll(async () => {
    for (const one of stores) await one.close()
    await server?.close()
  })

  test('killed in the middle of the work and started again, it has every step that resolved, each once', async () => {
    const resolved = new Map<string, number>()
    const ids = Array.from({ length: 400 }, (_, n) => `killed-${n}`)
    let away = 0
    const work = async (worker: number) => {
      for (const id of ids.filter((_, n) => n % 4 === worker))
        await until(async () => {
          try {
            resolved.set(id, await store.step(countingStep(`killed-${worker}`, id)))
            return true
          } catch (error) {
            expect(error).toMatchObject({ code: 'unavailable', retryable: true })
            away++
            return false
          }
        }, 60_000)
    }
    const working = Promise.all([0, 1, 2, 3].map(work))
    for (const count of [50, 200]) {
      await until(() => resolved.size > count)
      await server.halt('SIGKILL')
      await server.start()
    }
    await working
    expect(away).toBeGreaterThan(0)
    for (const [id, outcome] of resolved) {
      const worker = ids.indexOf(id) % 4
      expect(await store.step(countingStep(`killed-${worker}`, id))).toBe(outcome)
      expect(outcome).toBe(Math.floor(ids.indexOf(id) / 4) + 1)
    }
  }, 120_000)

  test('while it is away calls fail soon and say where it should be, without the password; then they work again', async () => {
    const secret = await open({ url: url.replace('lares@', 'lares:open-sesame@') })
    await server.halt('SIGINT')
    for (const call of [
      secret.check(),
      secret.history.message('x'),
      secret.step(countingStep('away', 'away-1')),
    ]) {
      const error = await call.catch(error => error)
      expect(error).toMatchObject({ code: 'unavailable', message: /127\.0\.0\.1:\d+\/lares_1/ })
      expect(`${error.message}${error.stack}`).not.toContain('open-sesame')
    }
    await expect(open({ url })).rejects.toMatchObject({ code: 'unavailable' })
    await server.start()
    await secret.check()
    expect(await secret.step(countingStep('away', 'away-1'))).toBe(1)
  })

  test('a store that is opened before its server waits for it', async () => {
    await server.halt('SIGINT')
    const opening = open({ url, waitMs: 30_000 })
    await server.start()
    await (await opening).check()
  })

  test('a conversation that somebody holds is given up after the timeout, and holds up no other one', async () => {
    await store.step(countingStep('held', 'held-1'))
    const holder = new pg.Client({ connectionString: url })
    await holder.connect()
    await holder.query(`BEGIN; SELECT FROM lares.conversations WHERE id = 'held' FOR UPDATE`)
    const waiting = store.step(countingStep('held', 'held-2'))
    const failing = expect(waiting).rejects.toMatchObject({
      code: 'unavailable',
      message: /statement timeout/,
    })
    expect(await store.step(countingStep('free', 'free-1'))).toBe(1)
    await failing
    await holder.end()
    expect(await store.step(countingStep('held', 'held-2'))).toBe(2)
  })

  test('a process that stops in the middle of a step does not hold its conversation for ever', async () => {
    await store.step(countingStep('left', 'left-1'))
    const left = new pg.Client({ connectionString: url, idle_in_transaction_session_timeout: 300 })
    left.on('error', () => undefined)
    await left.connect()
    await left.query(`BEGIN; SELECT FROM lares.conversations WHERE id = 'left' FOR UPDATE`)
    expect(await until(() => store.step(countingStep('left', 'left-2')).catch(() => undefined))).toBe(2)
    await left.end()
  })

  test('a network that swallows everything ends calls too, and the pool is whole again when it heals', async () => {
    const proxy = await startStallingProxy(Number(new URL(url).port))
    const through = await open({
      url: url.replace(/:\d+\//, `:${proxy.port}/`),
      statementTimeoutMs: 200,
      poolSize: 2,
    })
    await through.check()
    proxy.stall()
    const calls = [1, 2, 3].map(n => through.step(countingStep(`cut-${n}`, `cut-${n}`)))
    for (const result of await Promise.allSettled(calls))
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } })
    proxy.heal()
    expect(await through.step(countingStep('cut-1', 'cut-1'))).toBe(1)
    await proxy.close()
  }, 30_000)

  test('a server that is full of connections is told as unavailable', async () => {
    const greedy = Array.from({ length: MAX_CONNECTIONS }, () => new pg.Client({ connectionString: url }))
    await Promise.allSettled(greedy.map(client => client.connect()))
    const late = openPostgresStore({ url, waitMs: 0 })
    await expect(late).rejects.toMatchObject({ code: 'unavailable', message: /too many clients|reserved/ })
    for (const client of greedy) await client.end().catch(() => undefined)
  })

  test('twenty deliveries of one event at once are applied once', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => store.step(countingStep('at-once', 'at-once-1'))),
    )
    expect(new Set(outcomes)).toEqual(new Set([1]))
    expect(await store.step(countingStep('at-once', 'at-once-2'))).toBe(2)
  })

  test('two writers of one conversation leave its messages in one order that both see', async () => {
    const other = await open({ url })
    const writers = [store, other].map(async (writer, w) => {
      for (let n = 0; n < 50; n++)
        await writer.history.accept({
          conversation: 'two',
          person: 'owner',
          message: userMessage(`two-${w}-${n}`),
        })
    })
    await Promise.all(writers)
    const [mine, theirs] = await Promise.all(
      [store, other].map(reader => reader.history.list('two', { limit: 200 })),
    )
    expect(mine).toEqual(theirs)
    expect(mine).toHaveLength(100)
    const changes = await store.history.changes('two', 0, 200)
    expect(changes.map(({ id }) => id)).toEqual(mine!.map(({ id }) => id))
  })

  test('who reads changes while others write misses none', async () => {
    const seen: string[] = []
    let last = 0
    const read = async () => {
      for (const row of await store.history.changes('live', last, 1_000)) {
        seen.push(row.id)
        last = row.sequence
      }
      return seen.length >= 120
    }
    const writing = [0, 1, 2].map(async w => {
      for (let n = 0; n < 40; n++)
        await store.history.accept({
          conversation: 'live',
          person: 'owner',
          message: userMessage(`live-${w}-${n}`),
        })
    })
    await until(read)
    await Promise.all(writing)
    expect(new Set(seen).size).toBe(120)
  })

  test('clocks that differ change no order: what comes later stands later', async () => {
    const [late, early] = [Date.parse('2026-05-01T12:10:00Z'), Date.parse('2026-05-01T12:00:00Z')]
    const ahead = await open({ url, now: () => late })
    const behind = await open({ url, now: () => early })
    const say = (by: Store, id: string, createdAt: string) =>
      by.history.accept({ conversation: 'skewed', person: 'owner', message: userMessage(id, { createdAt }) })
    await say(ahead, 'skewed-1', '2026-05-01T12:10:00.000Z')
    await say(behind, 'skewed-2', '2026-05-01T12:00:00.000Z')
    await say(behind, 'skewed-3', '2099-01-01T00:00:00.000Z')
    await say(ahead, 'skewed-4', '2026-05-01T12:10:01.000Z')
    const ids = (await store.history.list('skewed', { limit: 10 })).map(({ id }) => id)
    expect(ids).toEqual(['skewed-1', 'skewed-2', 'skewed-3', 'skewed-4'])
    const [row] = await queryOnce(url, `SELECT max(at) < now() + '1 hour' AS sound FROM lares.messages`)
    expect(row).toEqual({ sound: true })
  })
})

describe.skipIf(!server)('migrations', () => {
  let own: PostgresServer
  beforeAll(async () => {
    own = await startPostgres()
  })
  afterAll(() => own.close())

  const done = async (url: string) =>
    (await queryOnce(url, 'SELECT name FROM lares.migrations ORDER BY number')).map(({ name }) => name)
  const run = (url: string, migrations: { name: string; statements: string }[]) =>
    migrate({ url, displayName: 'here', migrations, log: silentLogger, waitMs: 0 }, async () => undefined)
  const first = {
    name: 'first',
    statements: 'CREATE TABLE lares.a (n integer); INSERT INTO lares.a VALUES (1)',
  }

  test('starters that come together run each migration once', async () => {
    const url = await own.database()
    const second = { name: 'second', statements: `SELECT pg_sleep(0.2); UPDATE lares.a SET n = n + 1` }
    await Promise.all(Array.from({ length: 6 }, () => run(url, [first, second])))
    expect(await done(url)).toEqual(['first', 'second'])
    expect(await queryOnce(url, 'SELECT n FROM lares.a')).toEqual([{ n: 2 }])
  })

  test('one that is killed half way leaves whole migrations, and the next starter goes on', async () => {
    const url = await own.database()
    const slow = {
      name: 'slow',
      statements: `UPDATE lares.a SET n = n + 1; SELECT pg_sleep(60); UPDATE lares.a SET n = n + 1`,
    }
    const halfway = expect(run(url, [first, slow])).rejects.toMatchObject({ code: 'unavailable' })
    const sleeping = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`
    await until(async () => (await queryOnce(url, sleeping)).length > 0)
    await own.halt('SIGKILL')
    await halfway
    await own.start()
    expect(await done(url)).toEqual(['first'])
    expect(await queryOnce(url, 'SELECT n FROM lares.a')).toEqual([{ n: 1 }])
    await run(url, [first, { ...slow, statements: 'UPDATE lares.a SET n = n + 1' }])
    expect(await queryOnce(url, 'SELECT n FROM lares.a')).toEqual([{ n: 2 }])
  })

  test('a database of a newer Lares, or one that is not in UTF-8, is refused', async () => {
    const url = await own.database()
    await run(url, [first, { name: 'newer', statements: 'SELECT 1' }])
    await expect(run(url, [first])).rejects.toThrow('written by a newer Lares (schema 2, this one knows 1)')
    await queryOnce(
      url,
      `CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
    )
    const latin = url.replace(/lares_\d+$/, 'latin')
    await expect(run(latin, [first])).rejects.toMatchObject({ retryable: false, message: /LATIN1.*UTF8/ })
  })
})
