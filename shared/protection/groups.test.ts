import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSqliteBus } from '../bus/sqlite/sqlite-bus.ts'
import { ownerOf, principalOf, type Sender } from '../contract/events/address.ts'
import { createCausedEvent, createRootEvent, type LaresEvent } from '../contract/events/event.ts'
import { openEventLog } from '../contract/events/event-log.ts'
import { openFolderObjects } from '../objects/folder.ts'
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts'
import type { MessageWrite, Store } from '../store/store.ts'
import type { Keys } from './keys.ts'
import { openOwnerCache, storedOwners } from './owners.ts'
import { keyIdOfBusRecord } from './sealed-record.ts'
import { protectedBus } from './stores/protected-bus.ts'
import { openTestKeys } from './stores/protected-sqlite.fixture.ts'
import { protectedStore } from './stores/protected-store.ts'

const GROUP = ownerOf({ kind: 'group', id: 'kitchen' })
const NOW = '2026-05-01T12:00:00.000Z'
const address = { channel: 'telegram', account: 'home', chat: '-100' }
const member = (person: string): Sender => ({
  identity: { channel: 'telegram', account: 'home', user: `user of ${person}` },
  person,
})

let folder: string
let keys: Keys
let raw: Store
let store: Store
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-group-'))
  keys = await openTestKeys(folder, 0)
  for (const owner of [GROUP, 'ann', 'bob']) await keys.getOrCreate(owner)
  raw = openSqliteStore(join(folder, 'conversations.db'))
  store = protectedStore(raw, keys)
})
afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

const row = (id: string, text: string, person: string, more: Partial<MessageWrite> = {}): MessageWrite => ({
  id,
  role: 'user',
  text,
  inReplyTo: null,
  createdAt: NOW,
  status: 'queued',
  address,
  sender: member(person),
  ...more,
})

const state = () => ({
  turn: { message: { text: "ann's words", sender: member('ann') }, chat: ['to ann'] },
  waiting: [
    { kind: 'message', recalled: { message: { text: "bob's words", sender: member('bob') } } },
    { kind: 'message', recalled: { message: { text: "ann's other words", sender: member('ann') } } },
  ],
  transcript: [{ text: 'bob said', sender: member('bob') }],
  timeZone: 'UTC',
})

const runStep = (eventId: string, seen: (state: unknown) => void = () => undefined) =>
  store.step({
    conversation: 'c',
    person: GROUP,
    eventId,
    apply(before) {
      seen(before)
      return {
        state: before ?? state(),
        messages: [
          row('a1', "ann's words", 'ann', { status: 'answering' }),
          row('r1', 'an answer to ann', 'ann', { role: 'assistant', inReplyTo: 'a1' }),
          row('b1', "bob's words", 'bob'),
        ],
        outcome: [
          { type: 'x', data: { text: "bob's prompt", sender: member('bob') } },
          { type: 'y', data: {} },
        ],
      }
    },
  })

test('what a member said in a group is forgotten with the member, and nothing else is', async () => {
  await store.history.accept({ conversation: 'c', person: GROUP, message: row('a1', "ann's words", 'ann') })
  const made = await runStep('e1')
  expect(made).toEqual([
    { type: 'x', data: { text: "bob's prompt", sender: member('bob') } },
    { type: 'y', data: {} },
  ])
  await keys.destroy('bob')
  const texts = async () => (await store.history.list('c', { limit: 10 })).map(({ text }) => text)
  expect(await texts()).toEqual(["ann's words", 'an answer to ann'])
  // The same holds for a state and an outcome that were written earlier.
  let before: unknown
  expect(await runStep('e2', found => (before = found))).toEqual([{ type: 'y', data: {} }])
  expect(before).toMatchObject({ turn: { chat: ['to ann'] }, waiting: [{}], transcript: [], timeZone: 'UTC' })
  expect(JSON.stringify(before)).not.toContain('bob')
  expect(await runStep('e1')).toEqual([{ type: 'y', data: {} }])
  await store.rows.erase('bob')
  await store.rows.erase('ann')
  expect(await texts()).toEqual([])
  expect(await store.history.conversation('c')).toMatchObject({ person: GROUP })
})

test('nothing that a member said or that names a chat is readable on the disk', async () => {
  await runStep('e1')
  await store.history.accept({ conversation: 'c', person: GROUP, message: row('a2', 'more words', 'ann') })
  await store.check()
  const bytes = await Promise.all(
    ['conversations.db', 'conversations.db-wal'].map(file => readFile(join(folder, file)).catch(() => '')),
  )
  for (const secret of ["ann's", "bob's", 'user of ann', '-100', 'more words'])
    expect(bytes.join('').includes(secret), secret).toBe(false)
})

test('rows of a group move with the key of each member', async () => {
  await runStep('e1')
  const rows = []
  for await (const one of store.rows.read(GROUP)) rows.push(one)
  expect(rows).toMatchObject([
    { kind: 'conversation', state: state() },
    { id: 'a1' },
    { id: 'r1' },
    { id: 'b1' },
  ])
  await store.rows.erase(GROUP)
  await store.rows.write(rows)
  await keys.destroy('bob')
  const moved = []
  for await (const one of store.rows.read(GROUP)) moved.push(one)
  expect(moved).toMatchObject([{ state: { transcript: [] } }, { id: 'a1' }, { id: 'r1' }])
})

test('events of a turn have the key of the member who began it, in every process', async () => {
  const bare = openSqliteBus({ file: join(folder, 'bus.db') })
  await bare.ensureTopics([{ name: 'lares.message' }, { name: 'lares.intent' }])
  const process = () => {
    const owners = openOwnerCache()
    const stored = storedOwners(async () => store.history)
    const bus = protectedBus(bare, { keys, owners, stored })
    const { recordOwner, recordSender } = owners
    return {
      bus,
      log: openEventLog(bus, openFolderObjects(folder), { recordOwner, recordSender, ...stored }),
    }
  }
  const message = (id: string, person: string) =>
    createRootEvent({
      id,
      source: '/test',
      type: 'lares.message.received',
      conversation: 'c',
      data: {
        ...{
          person: GROUP,
          text: `${person} said`,
          attachments: [],
          language: 'en',
          timeZone: 'UTC',
          address,
        },
        sender: member(person),
        principal: principalOf(GROUP),
      },
    })
  const follow = (cause: LaresEvent<'lares.message.received'>) => {
    const intent = { skill: null, score: 0, candidates: [] }
    const data = { message: cause.data, saidAt: NOW, intent }
    return createCausedEvent(
      { type: 'lares.intent.recognised', data },
      { function: 'intent', cause, index: 0 },
    )
  }
  const [one, two] = [message('a1', 'ann'), message('b1', 'bob')]
  await process().log.publish([one, two])
  await store.history.accept({ conversation: 'c', person: GROUP, message: row('a1', 'ann said', 'ann') })
  const reader = process()
  await reader.bus.read('lares.message')
  await reader.log.publish([follow(one), follow(two)])
  // A process without cached owners asks the store.
  await process().log.publish([follow(one)])
  const ownersOf = async (topic: string) =>
    await Promise.all(
      (await bare.read(topic)).map(async record => (await keys.byId(keyIdOfBusRecord(record)!))!.person),
    )
  expect(await ownersOf('lares.message')).toEqual(['ann', 'bob'])
  expect(await ownersOf('lares.intent')).toEqual(['ann', 'bob', 'ann'])
  await keys.destroy('bob')
  expect((await process().bus.read('lares.message')).map(({ erased }) => erased === true)).toEqual([
    false,
    true,
  ])
  await bare.close()
})
