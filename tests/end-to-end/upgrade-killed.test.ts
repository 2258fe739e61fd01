import { execFile } from 'node:child_process'
import { cp, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDigest } from '../../infra/cli/data/export-format.ts'
import { exportItems } from '../../infra/cli/data/export-lines.ts'
import { openStores } from '../support/stores/filled-stores.ts'
import { type OldHome, unpackOldHome } from '../support/stores/old-home.ts'

let old: OldHome

beforeAll(async () => {
  old = await unpackOldHome()
})
afterAll(() => old?.remove())

/** A process that opens all stores; it is killed before the statement `killAt`. */
const openInProcess = (home: string, killAt?: number) =>
  promisify(execFile)(
    process.execPath,
    ['--import', './tests/support/stores/kill-at-statement.ts', 'tests/support/stores/open-home.ts'],
    { env: { ...process.env, LARES_HOME: home, ...(killAt !== undefined && { KILL_AT: String(killAt) }) } },
  )

async function copyHome(name: string): Promise<string> {
  const home = `${old.home}-${name}`
  await cp(old.home, home, { recursive: true, preserveTimestamps: true })
  return home
}

/** The digest of the stores' data, and the number of records on the log. */
async function contentsOf(home: string) {
  const drivers = openStores({ LARES_HOME: home })
  try {
    const bus = await drivers.bus()
    const [store, vectors, objects] = await Promise.all([
      drivers.store(),
      drivers.vectors(),
      drivers.objects(),
    ])
    const digest = openDigest()
    for await (const item of exportItems(
      { store, vectors, objects, protection: drivers.protection },
      { unfinished: true },
    ))
      if ('line' in item) digest.add(item.line)
      else {
        item.data.destroy()
        digest.add(item.object)
      }
    const records = await bus.read('lares.message')
    return { ...digest.end(), messages: records.length }
  } finally {
    await drivers.close()
  }
}

const versionsOf = (home: string) =>
  Object.fromEntries(
    ['bus', 'conversations', 'keys', 'vectors'].map(name => {
      const database = new DatabaseSync(join(home, `${name}.db`), { readOnly: true })
      const { user_version } = database.prepare('PRAGMA user_version').get()!
      database.close()
      return [name, Number(user_version)]
    }),
  )

test('a migration of 0.1.0 that is killed before any of its statements loses nothing, and the next start ends it', async () => {
  const whole = await copyHome('whole')
  const calls = Number((await openInProcess(whole)).stdout)
  expect(calls).toBeGreaterThan(20)
  const expected = { contents: await contentsOf(whole), versions: versionsOf(whole) }
  expect(expected.contents).toMatchObject({ lines: expect.any(Number), messages: expect.any(Number) })
  expect(expected.contents.lines).toBeGreaterThan(60)
  expect(expected.contents.messages).toBeGreaterThan(15)
  for (let killAt = 1; killAt <= calls; killAt++) {
    const home = await copyHome('killed')
    await expect(openInProcess(home, killAt)).rejects.toMatchObject({ signal: 'SIGKILL' })
    expect({ killAt, contents: await contentsOf(home), versions: versionsOf(home) }).toEqual({
      killAt,
      ...expected,
    })
    await rm(home, { recursive: true })
  }
}, 180_000)

test.each(['bus.db', 'conversations.db', 'keys.db', 'vectors.db'])(
  'a start refuses a %s of a newer Lares, names the version that it needs, and changes no file',
  async name => {
    const home = await copyHome('newer')
    await openInProcess(home)
    const database = new DatabaseSync(join(home, name))
    database.exec(`CREATE TABLE IF NOT EXISTS schema_versions (version INTEGER PRIMARY KEY, lares TEXT, migrated_at TEXT);
      INSERT INTO schema_versions VALUES (99, '9.8.7', ''); PRAGMA user_version = 99`)
    database.close()
    const before = await readFiles(home)
    await expect(openInProcess(home)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        `${name} was written by a newer Lares \\(schema 99, this one knows \\d+\\): start Lares 9.8.7 or later`,
      ),
    })
    expect(await readFiles(home)).toEqual(before)
    await rm(home, { recursive: true })
  },
)

async function readFiles(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile() && !/-(wal|shm)$/.test(entry.name))
  const pairs = files.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name)
    return [path, (await readFile(path)).toString('base64')] as const
  })
  return Object.fromEntries(await Promise.all(pairs))
}
