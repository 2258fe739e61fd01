import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../../../shared/base/log.ts'
import { readEnvironment } from '../../../shared/config/environment.ts'
import { openDrivers } from '../../../shared/host/drivers.ts'
import { personFolder } from '../../../shared/objects/person-folder.ts'
import { readExport, writeExport } from './export-file.ts'
import { exportItems } from './export-lines.ts'
import { checkImport, importLines } from './import-lines.ts'

let folder: string
const closers: (() => Promise<void>)[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-moving-'))
})
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
  await rm(folder, { recursive: true })
})

async function openStores(name: string, protection = 'on') {
  const drivers = openDrivers(
    readEnvironment({ LARES_HOME: join(folder, name), LARES_PROTECTION: protection }),
    silentLogger,
  )
  closers.push(drivers.close)
  const [store, vectors, objects] = await Promise.all([drivers.store(), drivers.vectors(), drivers.objects()])

  return { store, vectors, objects, protection: drivers.protection }
}
type OpenedStores = Awaited<ReturnType<typeof openStores>>

const AT = '2026-05-01T12:00:00.000Z'
/** Adds a message as the gateway does. */
async function addMessage(
  { store, protection }: OpenedStores,
  person: string,
  status: 'queued' | 'completed' = 'completed',
) {
  await protection?.keys.getOrCreate(person)
  await store.history.accept({
    conversation: `of-${person}`,
    person,
    message: {
      id: `m-${person}`,
      role: 'user',
      text: `words of ${person}`,
      inReplyTo: null,
      createdAt: AT,
      status,
    },
  })
}
const exportTo = (from: OpenedStores, name: string, options = {}) =>
  writeExport(join(folder, name), exportItems(from, options))
const importFrom = async (into: OpenedStores, name: string) => {
  const file = join(folder, name)
  await checkImport(readExport(file), into)
  return await importLines(readExport(file), into, undefined)
}

test("one person's export has nothing of anybody else, and is for its user alone", async () => {
  const from = await openStores('from')
  for (const person of ['alice', 'bob']) {
    await addMessage(from, person)
    await from.objects.put(`${personFolder(person)}a`, Buffer.from(`file of ${person}`))
  }
  await exportTo(from, 'alice.ndjson', { person: 'alice' })
  const text = await readFile(join(folder, 'alice.ndjson'), 'utf8')
  expect(text).toContain('words of alice')
  expect(text).not.toMatch(/bob/)
  expect(text).not.toContain(Buffer.from('file of bob').toString('base64'))
  expect((await stat(join(folder, 'alice.ndjson'))).mode & 0o777).toBe(0o600)
  await expect(exportTo(from, 'alice.ndjson')).rejects.toMatchObject({ code: 'conflict' })
})

test('an instance without encryption moves into one with encryption', async () => {
  const plain = await openStores('plain', 'off')
  await addMessage(plain, 'alice')
  await expect(openStores('plain')).rejects.toMatchObject({
    code: 'invalid_config',
    message: /begun without encryption/,
  })
  const sent = await exportTo(plain, 'old.ndjson')
  const into = await openStores('into')
  expect(await importFrom(into, 'old.ndjson')).toMatchObject({ rows: 2, alreadyThere: 0 })
  expect(await importFrom(into, 'old.ndjson')).toMatchObject({ rows: 0, alreadyThere: 2 })
  expect((await into.store.history.message('m-alice'))?.text).toBe('words of alice')
  expect((await exportTo(into, 'new.ndjson')).digest).toBe(sent.digest)
})

test('what waits for a reply is not exported by accident, as it would wait for ever', async () => {
  const from = await openStores('from')
  await addMessage(from, 'alice', 'queued')
  await expect(exportTo(from, 'a.ndjson')).rejects.toMatchObject({
    code: 'conflict',
    message: /--unfinished/,
  })
  await exportTo(from, 'a.ndjson', { unfinished: true })
  const into = await openStores('into')
  await importFrom(into, 'a.ndjson')
  expect(await into.store.history.backlog()).toEqual([])
  expect(await into.store.history.message('m-alice')).toMatchObject({ status: 'interrupted' })
})

test('an export that was cut off or changed is refused before anything is written', async () => {
  const from = await openStores('from')
  await addMessage(from, 'alice')
  await exportTo(from, 'a.ndjson')
  const lines = (await readFile(join(folder, 'a.ndjson'), 'utf8')).trim().split('\n')
  const into = await openStores('into')
  const tried = async (changed: string[]) => {
    await writeFile(join(folder, 'b.ndjson'), changed.map(line => `${line}\n`).join(''))
    await expect(importFrom(into, 'b.ndjson')).rejects.toMatchObject({ code: 'invalid_request' })
  }
  await tried(lines.slice(0, -1))
  await tried(lines.slice(1))
  await tried(lines.map(line => line.replace('words of', 'words by')))
  await tried(lines.toSpliced(1, 1))
  expect(await into.store.rows.people()).toEqual([])
  await expect(importFrom(into, 'nothing.ndjson')).rejects.toMatchObject({ code: 'not_found' })
})

test("a conversation that is another person's here is refused before anything is written", async () => {
  const from = await openStores('from')
  await addMessage(from, 'alice')
  await exportTo(from, 'a.ndjson')
  const into = await openStores('into')
  await into.protection?.keys.getOrCreate('eve')
  await into.store.history.accept({
    conversation: 'of-alice',
    person: 'eve',
    message: { id: 'm', role: 'user', text: 'mine', inReplyTo: null, createdAt: AT, status: 'completed' },
  })
  await expect(importFrom(into, 'a.ndjson')).rejects.toMatchObject({
    code: 'conflict',
    message: /is eve's here/,
  })
  expect(await into.store.rows.people()).toEqual(['eve'])
})

test('a key ring that is missing is named with its remedy, and nothing is exported without it', async () => {
  const from = await openStores('lost')
  await addMessage(from, 'alice')
  for (const close of closers.splice(0)) await close()
  const home = join(folder, 'lost')
  for (const file of ['keys.db', 'keys.db-wal', 'keys.db-shm']) await rm(join(home, file), { force: true })
  for (const protection of ['on', 'off'])
    await expect(openStores('lost', protection)).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringMatching(/keys\.db is missing .*put keys\.db back from its own backup/),
    })
  // With an empty ring, all content would look as if its people had been forgotten.
  await writeFile(join(home, 'keys.db'), '')
  await expect(openStores('lost')).rejects.toThrow(/keys\.db is missing or empty/)
})

test('an export without keys refuses rows that are encrypted', async () => {
  const from = await openStores('sealed')
  await addMessage(from, 'alice')
  const { openSqliteStore } = await import('../../../shared/store/sqlite/sqlite-store.ts')
  const raw = openSqliteStore(join(folder, 'sealed', 'conversations.db'))
  await expect(exportTo({ ...from, store: raw, protection: undefined }, 'a.ndjson')).rejects.toMatchObject({
    code: 'invalid_config',
    message: expect.stringMatching(/"m-alice" is encrypted/),
  })
  await raw.close()
})
