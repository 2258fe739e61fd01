import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { silentLogger } from '../base/log.ts'
import { openDatabase } from '../base/sqlite/database.ts'
import { openSqliteBus } from '../bus/sqlite/sqlite-bus.ts'
import { openDataDirectory } from './data-directory.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-home-'))
})
afterEach(() => rm(folder, { recursive: true }))

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

test('a new data directory and its databases are for their user alone', async () => {
  const home = join(folder, 'a', 'home')
  await openDataDirectory(home, silentLogger)
  const database = openDatabase(join(home, 'vectors.db'), ['CREATE TABLE t (x)'])
  const bus = openSqliteBus({ file: join(home, 'bus.db') })
  await bus.ensureTopics([{ name: 't' }])
  expect(await modeOf(home)).toBe('700')
  for (const name of ['vectors.db', 'vectors.db-wal', 'bus.db', 'bus.db-wal'])
    expect(await modeOf(join(home, name)), name).toBe('600')
  database.close()
  await bus.close()
})

test('the rights that others have in an existing one are taken away, and that is logged once', async () => {
  const home = join(folder, 'home')
  await mkdir(home, { mode: 0o755 })
  for (const name of ['bus.db', 'token', 'other.txt']) await writeFile(join(home, name), '', { mode: 0o644 })
  await chmod(home, 0o755)
  const warn = vi.fn()
  await openDataDirectory(home, { ...silentLogger, warn })
  await openDataDirectory(home, { ...silentLogger, warn })
  expect(await Promise.all(['bus.db', 'token', 'other.txt'].map(name => modeOf(join(home, name))))).toEqual([
    '600',
    '600',
    '644',
  ])
  expect(await modeOf(home)).toBe('700')
  expect(warn).toHaveBeenCalledTimes(1)
})

test('a data directory that cannot be made is named with its remedy', async () => {
  await writeFile(join(folder, 'file'), '')
  await expect(openDataDirectory(join(folder, 'file', 'home'), silentLogger)).rejects.toMatchObject({
    code: 'invalid_config',
    message: expect.stringMatching(/file\/home cannot be written .*set LARES_HOME/),
  })
})
