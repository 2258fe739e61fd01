import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createGroupCommit, openDatabase } from './database.ts'

const TABLE = 'CREATE TABLE lines (text TEXT NOT NULL)'

let folder: string
let file: string
let database: DatabaseSync

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-sqlite-'))
  file = join(folder, 'below', 'some.db')
  database = openDatabase(file, [TABLE])
})
afterEach(async () => {
  if (database.isOpen) database.close()
  await rm(folder, { recursive: true })
})

const insert = (text: unknown) => () =>
  Number(database.prepare('INSERT INTO lines VALUES (?)').run(text as string).lastInsertRowid)
const lines = (from = database) =>
  from
    .prepare('SELECT text FROM lines')
    .all()
    .map(row => row.text)

test('all work of one turn is one transaction, and each call gets its own result', async () => {
  const commits = createGroupCommit(database)
  const calls = ['a', 'b', 'c'].map(text => commits.run(insert(text)))
  expect(lines()).toEqual([])
  expect(await Promise.all(calls)).toEqual([1, 2, 3])
  expect(lines()).toEqual(['a', 'b', 'c'])
})

test('one work that fails undoes itself alone, whatever it did before', async () => {
  const commits = createGroupCommit(database)
  const calls = [
    commits.run(insert('a')),
    commits.run(() => {
      insert('lost')()
      throw new Error('on second thoughts')
    }),
    commits.run(() => {
      insert('lost too')()
      insert(null)()
    }),
    commits.run(insert('b')),
  ]
  const results = await Promise.allSettled(calls)
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
  expect(results[1]).toMatchObject({ reason: { message: 'on second thoughts' } })
  expect(lines()).toEqual(['a', 'b'])
})

test('what has resolved is on the disk: a copy of the files at that moment has it', async () => {
  const commits = createGroupCommit(database)
  for (let round = 0; round < 20; round++) {
    await Promise.all([commits.run(insert(`a${round}`)), commits.run(insert(`b${round}`))])
    const copy = join(folder, `copy-${round}`)
    await cp(join(folder, 'below'), copy, { recursive: true })
    const other = new DatabaseSync(join(copy, 'some.db'))
    expect(lines(other)).toHaveLength(2 * (round + 1))
    other.close()
  }
  expect((await readFile(`${file}-wal`)).length).toBeGreaterThan(0)
})

test('a full disk is told as unavailable, the small still fits, and it goes on when there is room', async () => {
  const commits = createGroupCommit(database)
  await commits.run(insert('before'))
  const { page_count } = database.prepare('PRAGMA page_count').get() as { page_count: number }
  database.exec(`PRAGMA max_page_count = ${page_count + 2}`)
  const calls = [commits.run(insert('x'.repeat(100_000))), commits.run(insert('small'))]
  await expect(calls[0]).rejects.toMatchObject({ code: 'unavailable', retryable: true, message: /full/ })
  await Promise.allSettled(calls)
  database.exec('PRAGMA max_page_count = 100000')
  await commits.run(insert('after'))
  expect(lines()[0]).toBe('before')
  expect(lines().at(-1)).toBe('after')
})

test('a file that can only be read is told as unavailable for every call', async () => {
  database.exec('PRAGMA query_only = ON')
  const commits = createGroupCommit(database)
  const results = await Promise.allSettled([commits.run(insert('a')), commits.run(insert('b'))])
  for (const result of results)
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } })
  database.exec('PRAGMA query_only = OFF')
  await commits.run(insert('c'))
  expect(lines()).toEqual(['c'])
})

test('a closed database is told as unavailable', async () => {
  const commits = createGroupCommit(database)
  database.close()
  await expect(commits.run(() => undefined)).rejects.toMatchObject({ code: 'unavailable' })
})

test('a commit is synced, also against a loss of power', () => {
  expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 })
  expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
})

test('migrations run once each, in order, and a failed one leaves the file as it was', () => {
  database.close()
  const second = "INSERT INTO lines VALUES ('second')"
  database = openDatabase(file, [TABLE, second])
  database.close()
  expect(() => openDatabase(file, [TABLE, second, "INSERT INTO lines VALUES ('third')", 'NONSENSE'])).toThrow(
    expect.objectContaining({ code: 'unavailable', message: expect.stringContaining(file) }),
  )
  database = openDatabase(file, [TABLE, second])
  expect(lines()).toEqual(['second'])
})

test('a file of a newer Lares, and one that is no database, are told', async () => {
  database.close()
  database = openDatabase(file, [TABLE, "INSERT INTO lines VALUES ('x')"])
  expect(() => openDatabase(file, [TABLE])).toThrow(/written by a newer Lares \(schema 2, this one knows 1\)/)
  const { default: fs } = await import('node:fs')
  fs.writeFileSync(join(folder, 'other.db'), 'x'.repeat(10_000))
  expect(() => openDatabase(join(folder, 'other.db'), [TABLE])).toThrow(/cannot be opened: .*not a database/)
})
