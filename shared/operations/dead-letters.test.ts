import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Bus } from '../bus/bus.ts'
import { openSqliteBus } from '../bus/sqlite/sqlite-bus.ts'
import { webOrigin } from '../contract/events/address.ts'
import { createRootEvent, type LaresEvent } from '../contract/events/event.ts'
import { type EventLog, openEventLog } from '../contract/events/event-log.ts'
import { eventFromRecord, eventToRecord } from '../contract/events/kafka-binding.ts'
import { openFolderObjects } from '../objects/folder.ts'
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts'
import type { Store } from '../store/store.ts'
import { openDeadLetters } from './dead-letters.ts'
import type { ConnectorStatus, DeadLetters } from './operations.ts'
import { openStatus } from './status.ts'

const NOW = Date.parse('2026-05-01T12:00:00Z')

let folder: string
let bus: Bus
let events: EventLog
let store: Store
let deadLetters: DeadLetters

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-dead-'))
  const objects = openFolderObjects(join(folder, 'objects'))
  bus = openSqliteBus({ file: join(folder, 'bus.db'), now: () => NOW - 5_000 })
  events = openEventLog(bus, objects)
  store = openSqliteStore(join(folder, 'conversations.db'))
  await bus.ensureTopics([{ name: 'lares.deadletter' }, { name: 'lares.message' }])
  deadLetters = openDeadLetters({ bus, objects, records: store.records, now: () => NOW })
})
afterEach(async () => {
  await bus.close()
  await store.close()
  await rm(folder, { recursive: true })
})

const messageEvent = (id: string, text: string): LaresEvent<'lares.message.received'> =>
  createRootEvent({
    id,
    source: '/lares/gateway',
    type: 'lares.message.received',
    conversation: `of-${id}`,
    data: {
      person: 'owner',
      text,
      attachments: [],
      ...webOrigin('owner', `of-${id}`),
      language: 'en',
      timeZone: 'Europe/Berlin',
    },
  })

type DeadLetterInput = { id: string; second?: number; event?: LaresEvent; raw?: string }

const createDeadLetterEvent = ({ id, second = 0, event, raw }: DeadLetterInput) =>
  createRootEvent({
    id,
    source: '/lares/connector',
    type: 'lares.deadletter.recorded',
    conversation: event?.subject ?? 'c',
    time: new Date(NOW + second * 1000).toISOString(),
    data: {
      function: 'intent',
      error: { code: 'rejected', message: 'it would not' },
      tries: 5,
      firstTriedAt: new Date(NOW).toISOString(),
      topic: 'lares.message',
      partition: 0,
      offset: 7,
      ...(event && { event: { ...event } }),
      ...(raw !== undefined && { raw, headers: { 'content-type': 'text/plain' } }),
    },
  })

test('dead letters are listed with the newest last, each once however often it was recorded', async () => {
  const first = createDeadLetterEvent({ id: 'first', second: 1, event: messageEvent('a', 'hello') })
  const second = createDeadLetterEvent({ id: 'second', second: 2, event: messageEvent('b', 'hello again') })
  await events.publish([second, first, first])
  expect(await deadLetters.list()).toEqual([
    expect.objectContaining({ id: 'first', conversation: 'of-a', type: 'lares.message.received', tries: 5 }),
    expect.objectContaining({ id: 'second', conversation: 'of-b' }),
  ])
})

test('more dead letters than fit a page are all listed', async () => {
  const all = Array.from({ length: 450 }, (_, index) =>
    createDeadLetterEvent({ id: `n-${index}`, second: index }),
  )
  await events.publish(all)
  expect((await deadLetters.list()).map(({ id }) => id)).toEqual(all.map(({ id }) => id))
})

test('a dead letter is put back as the very event that failed, and is marked', async () => {
  const event = messageEvent('a', 'hello')
  await events.publish([createDeadLetterEvent({ id: 'first', event })])
  await deadLetters.retry('first')
  const [record] = await bus.read('lares.message')
  expect(record).toMatchObject(eventToRecord(event))
  expect(await deadLetters.list()).toEqual([
    expect.objectContaining({ id: 'first', retriedAt: '2026-05-01T12:00:00.000Z' }),
  ])
})

test('a record that was no event is put back with its bytes and headers', async () => {
  await events.publish([
    createDeadLetterEvent({ id: 'first', raw: Buffer.from('no event').toString('base64') }),
  ])
  await deadLetters.retry('first')
  expect(await bus.read('lares.message')).toEqual([
    expect.objectContaining({
      key: 'c',
      value: Buffer.from('no event'),
      headers: { 'content-type': 'text/plain' },
    }),
  ])
})

test('a dead letter too large for the bus is shown and put back whole', async () => {
  const event = messageEvent('a', 'long '.repeat(50_000))
  await events.publish([createDeadLetterEvent({ id: 'first', event })])
  expect((await deadLetters.show('first')).event).toMatchObject({ id: 'a', data: { text: event.data.text } })
  await deadLetters.retry('first')
  const [record] = await bus.read('lares.message')
  expect(eventFromRecord(record!).data).toEqual(event.data)
})

test('a dead letter that is not there is told', async () => {
  await expect(deadLetters.show('nothing')).rejects.toMatchObject({ code: 'not_found' })
  await expect(deadLetters.retry('nothing')).rejects.toMatchObject({ code: 'not_found' })
})

test('the status tells how far each function is behind, for how long, and what nobody has put back', async () => {
  await events.publish([
    messageEvent('a', 'hello'),
    messageEvent('b', 'hello'),
    createDeadLetterEvent({ id: 'first', raw: '' }),
  ])
  const source = async () => [
    { name: 'intent', topics: ['lares.message'] },
    { name: 'dialog', topics: ['lares.reply'] },
  ]
  const reach = async (name: string) => {
    if (name === 'dialog') throw new Error('dialog cannot be reached')
  }
  let connectorStatus: ConnectorStatus | undefined = {}
  const connector = { status: async () => connectorStatus }
  const status = openStatus({ bus, source, deadLetters, probe: reach, connector, now: () => NOW })
  expect(await status()).toEqual({
    connector: {},
    functions: [
      { name: 'intent', topics: ['lares.message'], lag: 2, oldestMs: 5_000 },
      { name: 'dialog', topics: ['lares.reply'], lag: 0, problem: 'dialog cannot be reached' },
    ],
    deadLetters: 1,
  })
  await deadLetters.retry('first')
  connectorStatus = undefined
  expect(await status()).toMatchObject({ deadLetters: 0 })
  expect(await status()).not.toHaveProperty('connector')
})
