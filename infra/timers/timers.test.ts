import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LaresError } from '../../shared/base/errors.ts'
import { silentLogger } from '../../shared/base/log.ts'
import type { Bus } from '../../shared/bus/bus.ts'
import { openSqliteBus } from '../../shared/bus/sqlite/sqlite-bus.ts'
import { type EventLog, openEventLog } from '../../shared/contract/events/event-log.ts'
import { eventFromRecord } from '../../shared/contract/events/kafka-binding.ts'
import { openFolderObjects } from '../../shared/objects/folder.ts'
import { openSqliteStore } from '../../shared/store/sqlite/sqlite-store.ts'
import type { Store, Timer } from '../../shared/store/store.ts'
import { startTimers } from './timers.ts'

const NOW = Date.parse('2026-05-01T12:00:00Z')

let folder: string
let bus: Bus
let events: EventLog
let store: Store

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-timers-'))
  bus = openSqliteBus({ file: join(folder, 'bus.db') })
  await bus.ensureTopics([{ name: 'lares.timer' }])
  events = openEventLog(bus, openFolderObjects(folder))
  store = openSqliteStore(join(folder, 'conversations.db'))
})
afterEach(async () => {
  await bus.close()
  await store.close()
  await rm(folder, { recursive: true })
})

const scheduleTimer = (id: string, dueAt: string, more: Partial<Timer> = {}) =>
  store.timers.schedule({
    id,
    conversation: 'c',
    person: 'owner',
    text: id,
    language: 'en',
    dueAt,
    ...more,
  })

const firedEvents = async () => (await bus.read('lares.timer', { limit: 10_000 })).map(eventFromRecord)
const until = (check: () => unknown) => vi.waitFor(check, { timeout: 8_000, interval: 5 })

test('what came due while nothing ran fires late, once; what is not due waits', async () => {
  await scheduleTimer('late', '2026-04-01T00:00:00Z')
  await scheduleTimer('due', '2026-05-01T12:00:00Z')
  await scheduleTimer('later', '2026-05-01T12:00:01Z')
  const timers = startTimers(store.timers, events, silentLogger, () => NOW)
  await until(async () => expect(await firedEvents()).toHaveLength(2))
  await timers.close()
  const again = startTimers(store.timers, events, silentLogger, () => NOW)
  await again.close()
  expect(await firedEvents()).toMatchObject([
    {
      type: 'lares.timer.fired',
      subject: 'c',
      data: { timerId: 'late', dueAt: '2026-04-01T00:00:00.000Z', firedAt: '2026-05-01T12:00:00.000Z' },
    },
    { data: { timerId: 'due' } },
  ])
  expect(await store.timers.pending('owner', 10)).toMatchObject([{ id: 'later' }])
})

test('many timers of one moment all fire, however many there are', async () => {
  await Promise.all(Array.from({ length: 350 }, (_, n) => scheduleTimer(`t-${n}`, '2026-05-01T00:00:00Z')))
  const timers = startTimers(store.timers, events, silentLogger, () => NOW)
  await until(async () => expect(await firedEvents()).toHaveLength(350))
  await timers.close()
  expect(new Set((await firedEvents()).map(({ id }) => id)).size).toBe(350)
})

test('a crash between firing and marking fires again under the same id', async () => {
  await scheduleTimer('t', '2026-05-01T00:00:00Z')
  const { markFired } = store.timers
  const forgetful = {
    ...store.timers,
    markFired: () => Promise.reject(new Error('the power is out')),
  }
  await startTimers(forgetful, events, silentLogger, () => NOW).close()
  await startTimers({ ...store.timers, markFired }, events, silentLogger, () => NOW).close()
  const ids = (await firedEvents()).map(({ id }) => id)
  expect([ids.length, new Set(ids).size]).toEqual([2, 1])
})

test('a bus that is away delays a timer and loses none', async () => {
  await scheduleTimer('t', '2026-05-01T00:00:00Z')
  let refusals = 0
  const shaky: EventLog = {
    publish: batch =>
      refusals++ < 1 ? Promise.reject(new LaresError('unavailable', 'not now')) : events.publish(batch),
  }
  const timers = startTimers(store.timers, shaky, silentLogger, () => NOW)
  await until(async () => expect(await firedEvents()).toHaveLength(1))
  await timers.close()
})

test('a timer that no event can be made of holds up no other', async () => {
  await scheduleTimer('broken', '2026-04-01T00:00:00Z', { conversation: 'x'.repeat(300) })
  await scheduleTimer('sound', '2026-05-01T00:00:00Z')
  const timers = startTimers(store.timers, events, silentLogger, () => NOW)
  await until(async () => expect(await firedEvents()).toMatchObject([{ data: { timerId: 'sound' } }]))
  await timers.close()
  expect(await store.timers.due(NOW, 10)).toEqual([])
})
