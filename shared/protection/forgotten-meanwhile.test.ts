import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openSqliteBus } from '../bus/sqlite/sqlite-bus.ts'
import { openFolderObjects } from '../objects/folder.ts'
import { personFolder } from '../objects/person-folder.ts'
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts'
import { openSqliteVectors } from '../vectors/sqlite.ts'
import { openAudit } from './audit/audit.ts'
import { erasePerson } from './forget.ts'
import { SYSTEM } from './keys.ts'
import { openOwnerCache } from './owners.ts'
import type { Protection } from './protection.ts'
import { openSqliteKeyRing } from './ring/sqlite-ring.ts'
import { protectedBus } from './stores/protected-bus.ts'
import { protectedObjects } from './stores/protected-objects.ts'
import { openTestKeys } from './stores/protected-sqlite.fixture.ts'
import { protectedStore } from './stores/protected-store.ts'
import { protectedVectors } from './stores/protected-vectors.ts'

const AT = '2026-11-29T12:00:00.000Z'

async function count(read: AsyncIterable<unknown>): Promise<number> {
  let seen = 0
  for await (const _ of read) seen++
  return seen
}

test('nothing is kept of what was under way for somebody who was forgotten meanwhile, until they speak again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lares-forgotten-'))
  const keys = await openTestKeys(folder, 0)
  const stores = protectedStore(openSqliteStore(join(folder, 'conversations.db')), keys)
  const vectors = protectedVectors(openSqliteVectors(join(folder, 'vectors.db')), keys)
  const space = await vectors.index({ id: 'small', dimensions: 2 })
  const objects = protectedObjects(openFolderObjects(join(folder, 'objects')), keys)
  const owners = openOwnerCache()
  owners.recordOwner('c', 'alice')
  const bare = openSqliteBus({ file: join(folder, 'bus.db') })
  const log = protectedBus(bare, {
    keys,
    owners,
    stored: { ownerOf: async () => undefined, senderOf: async () => undefined },
  })
  await log.ensureTopics([{ name: 't' }])
  const event = (id: string) => ({
    topic: 't',
    key: 'c',
    headers: { ce_id: id },
    value: Buffer.from('leeks'),
  })
  const audit = openAudit({
    store: stores.audit,
    protection: { keys, ring: async () => openSqliteKeyRing(join(folder, 'keys.db')) },
  })
  let times = 0
  const work = () => {
    const id = `${++times}`
    const mine = { id, person: 'alice' }
    return Promise.allSettled([
      stores.records.put('notes', { ...mine, text: 'buy leeks', body: {}, createdAt: AT }),
      stores.records.insert('notes', { ...mine, id: `${id}b`, text: 'buy leeks', body: {}, createdAt: AT }),
      stores.timers.schedule({ ...mine, conversation: 'c', text: 'leeks', language: 'en', dueAt: AT }),
      stores.step({
        ...{ conversation: 'c', eventId: id, person: 'alice' },
        apply: () => ({ state: {}, messages: [], outcome: {}, modelCalls: [] }),
      }),
      audit.record({ action: 'tool-used', by: { onBehalfOf: 'alice' } }),
      objects.put(`${personFolder('alice')}events/${id}`, Buffer.from('leeks')),
      log.publish([event(id)]),
      say(),
      space.upsert([{ ...mine, values: Float32Array.of(1, 0) }]),
    ])
  }
  const kept = async () => ({
    rows: await count(stores.rows.read('alice')),
    vectors: await count(space.read('alice')),
    key: (await keys.idOf('alice')) !== undefined,
  })
  /** Creates the key and accepts a message, as the gateway does. */
  const speak = async () => {
    await keys.getOrCreate('alice')
    await say()
  }
  const say = () =>
    stores.history.accept({
      ...{ conversation: 'c', person: 'alice' },
      message: {
        id: `said-${times}`,
        role: 'user',
        text: 'hello',
        inReplyTo: null,
        createdAt: AT,
        status: 'queued',
      },
    })

  await speak()
  expect((await work()).every(({ status }) => status === 'fulfilled')).toBe(true)
  await keys.destroy('alice')
  await stores.rows.erase('alice')
  await vectors.erase('alice')

  const refused = { status: 'rejected', reason: { code: 'forgotten', retryable: false } }
  const done = { status: 'fulfilled' }
  const outcomes = await work()
  expect(outcomes.slice(0, -1)).toMatchObject(outcomes.slice(1).map(() => refused))
  expect(outcomes.at(-1)).toMatchObject(done)
  expect(await kept()).toEqual({ rows: 0, vectors: 0, key: false })

  await speak()
  expect((await work()).every(({ status }) => status === 'fulfilled')).toBe(true)
  expect(await kept()).toMatchObject({ vectors: 1, key: true })
  await log.close()
  await stores.close()
  await vectors.close()
  await rm(folder, { recursive: true })
})

test('an empty name erases nobody, and destroys no key of the system', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lares-forgotten-'))
  const keys = await openTestKeys(folder, 0)
  const store = protectedStore(openSqliteStore(join(folder, 'conversations.db')), keys)
  const vectors = protectedVectors(openSqliteVectors(join(folder, 'vectors.db')), keys)
  const objects = openFolderObjects(join(folder, 'objects'))
  const protection = { keys } as unknown as Protection
  const audit = openAudit({ store: store.audit, protection })
  const before = await keys.idOf(SYSTEM)
  const erasing = erasePerson('', { store, vectors, objects, protection, audit })
  await expect(erasing).rejects.toMatchObject({ code: 'invalid_request' })
  expect([before, await keys.idOf(SYSTEM)]).toEqual([expect.any(String), before])
  await store.close()
  await vectors.close()
  await rm(folder, { recursive: true })
})
