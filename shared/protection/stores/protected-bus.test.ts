import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { busSuite } from '../../bus/bus.suite.ts'
import type { Bus, BusMessage, BusRecord } from '../../bus/bus.ts'
import { openSqliteBus } from '../../bus/sqlite/sqlite-bus.ts'
import type { Keys } from '../keys.ts'
import { type OwnerCache, openOwnerCache } from '../owners.ts'
import { protectedBus } from './protected-bus.ts'
import { openTestKeys, withKeyCreation } from './protected-sqlite.fixture.ts'

busSuite('the bus on sqlite, encrypted', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lares-protected-'))
  return {
    open: async () => (await import('./protected-sqlite.fixture.ts')).openProtectedBus({ folder }),
    opener: {
      module: new URL('./protected-sqlite.fixture.ts', import.meta.url).href,
      name: 'openProtectedBus',
      options: { folder },
    },
    stop: () => rm(folder, { recursive: true }),
  }
})

describe('an encrypted log', () => {
  let folder: string
  let bare: Bus
  let bus: Bus
  let keys: Keys
  let owners: OwnerCache

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lares-protected-'))
    bare = openSqliteBus({ file: join(folder, 'bus.db') })
    keys = withKeyCreation(await openTestKeys(folder, 0))
    owners = openOwnerCache()
    bus = protectedBus(bare, {
      keys,
      owners,
      stored: { ownerOf: async of => (of === 'known' ? 'bob' : undefined), senderOf: async () => undefined },
    })
    await bus.ensureTopics([{ name: 't' }])
  })
  afterEach(async () => {
    await bus.close()
    await rm(folder, { recursive: true })
  })

  const event = (key: string, text: string, cause?: string): BusMessage => ({
    topic: 't',
    key,
    headers: {
      'content-type': 'application/json',
      ce_id: text,
      ce_type: 'lares.t.happened',
      ...(cause && { ce_causationid: cause }),
    },
    value: Buffer.from(text),
  })
  const texts = (records: BusRecord[]) => records.map(({ value }) => value.toString())
  const ownerOf = async (record: BusRecord) => (await keys.byId(record.value.toString('hex', 1, 17)))?.person

  test('the attributes stay readable, the data does not, and its content type is in an extension', async () => {
    owners.recordOwner('c', 'alice')
    await bus.publish([event('c', 'the lock code')])
    const [stored] = await bare.read('t')
    expect(stored!.headers).toEqual({
      'content-type': 'application/vnd.lares.sealed',
      ce_id: 'the lock code',
      ce_type: 'lares.t.happened',
      ce_sealedcontenttype: 'application/json',
    })
    expect(stored!.value.includes('lock code')).toBe(false)
    expect(await bus.read('t')).toMatchObject([event('c', 'the lock code')])
  })

  test('an event is encrypted for its recorded owner, else for the owner in the store, else with the system key', async () => {
    owners.recordOwner('learnt', 'alice')
    for (const conversation of ['learnt', 'known', 'nobody'])
      await bus.publish([event(conversation, conversation)])
    const people = await Promise.all(
      (await bare.read('t')).map(async record => [record.key, await ownerOf(record)]),
    )
    expect(Object.fromEntries(people)).toEqual({ learnt: 'alice', known: 'bob', nobody: '' })
  })

  test('what follows from an event is encrypted with its key, whoever the conversation is said to be of', async () => {
    owners.recordOwner('c', 'alice')
    await bus.publish([event('c', 'cause')])
    await bus.read('t')
    owners.recordOwner('c', 'mallory')
    await bus.publish([event('c', 'effect', 'cause')])
    const people = await Promise.all((await bare.read('t')).map(ownerOf))
    expect(people).toEqual(['alice', 'alice'])
  })

  test('a message that is put back before anybody knows whose it is gets the key that it came with', async () => {
    owners.recordOwner('c', 'alice')
    await bus.publish([event('c', 'said')])
    const other = protectedBus(bare, {
      keys,
      owners: openOwnerCache(),
      stored: { ownerOf: async () => undefined, senderOf: async () => undefined },
    })
    const [read] = await other.read('t')
    await other.publish([read!])
    expect(await Promise.all((await bare.read('t')).map(ownerOf))).toEqual(['alice', 'alice'])
  })

  test('records of a person who was forgotten are told apart, and what still follows from them is nobody’s to read', async () => {
    owners.recordOwner('c', 'alice')
    owners.recordOwner('d', 'bob')
    const seen: BusRecord[] = []
    const tailed: BusRecord[] = []
    const subscription = await bus.subscribe({
      group: 'g',
      topics: ['t'],
      onRecords: got => seen.push(...got),
    })
    const tail = await bus.tail({ topics: ['t'], onRecords: got => tailed.push(...got) })
    await bus.publish([event('c', 'cause')])
    await vi.waitFor(() => expect([texts(seen), texts(tailed)]).toEqual([['cause'], ['cause']]))
    await keys.destroy('alice')
    await bus.publish([event('c', 'effect', 'cause'), event('d', 'other')])
    await vi.waitFor(() => expect([seen.length, texts(tailed)]).toEqual([3, ['cause', 'other']]))
    expect(seen.find(({ headers }) => headers.ce_id === 'effect')).toMatchObject({
      erased: true,
      value: Buffer.alloc(0),
    })
    expect((await bus.read('t')).filter(({ erased }) => !erased).map(({ key }) => key)).toEqual(['d'])
    // A forgotten person who speaks again is new.
    await bus.publish([event('c', 'hello again')])
    await vi.waitFor(() => expect(texts(seen)).toContain('hello again'))
    await subscription.close()
    await tail.close()
  })

  test('what follows from a forgotten event is forgotten also where its key is still at hand', async () => {
    owners.recordOwner('c', 'alice')
    await bus.publish([event('c', 'cause')])
    const late = protectedBus(bare, {
      keys: await openTestKeys(folder, 60_000),
      owners: openOwnerCache(),
      stored: { ownerOf: async () => undefined, senderOf: async () => undefined },
    })
    expect(texts(await late.read('t'))).toEqual(['cause'])
    await bus.read('t')
    await keys.destroy('alice')
    await bus.publish([event('c', 'effect', 'cause')])
    expect((await late.read('t')).map(({ erased }) => erased)).toEqual([undefined, true])
  })

  test('a record that was changed, or put in the place of another, does not open', async () => {
    owners.recordOwner('c', 'alice')
    await bus.publish([event('c', 'one')])
    const [record] = await bare.read('t')
    const changed = Buffer.from(record!.value)
    changed[40]! ^= 1
    await bare.publish([
      { ...record!, value: changed },
      { ...record!, headers: { ...record!.headers, ce_id: 'two' } },
    ])
    const read = await bus.read('t')
    expect(texts(read.slice(0, 1))).toEqual(['one'])
    for (const { headers } of read.slice(1))
      expect(headers['content-type']).toBe('application/vnd.lares.sealed')
  })

  test('while the keys cannot be had, records wait in their order', async () => {
    owners.recordOwner('c', 'alice')
    await bus.publish(['1', '2'].map(text => event('c', text)))
    let away = true
    const shy: Keys = {
      ...keys,
      cachedById: () => undefined,
      byId: async id => {
        if (away) throw new Error('the ring is away')
        return await keys.byId(id)
      },
    }
    const seen: BusRecord[] = []
    const errors: unknown[] = []
    const other = protectedBus(bare, {
      keys: shy,
      owners: openOwnerCache(),
      stored: { ownerOf: async () => undefined, senderOf: async () => undefined },
    })
    const subscription = await other.subscribe({
      group: 'g',
      topics: ['t'],
      onRecords: got => seen.push(...got),
      onError: error => errors.push(error),
    })
    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(0))
    await bus.publish([event('c', '3')])
    away = false
    await vi.waitFor(() => expect(texts(seen)).toEqual(['1', '2', '3']), { timeout: 5_000 })
    await subscription.close()
  })
})
