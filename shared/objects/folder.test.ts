import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openFolderObjects } from './folder.ts'
import { objectStoreSuite } from './object-store.suite.ts'

objectStoreSuite('objects in a folder', async () => {
  const home = await mkdtemp(join(tmpdir(), 'lares-objects-'))
  return {
    objects: openFolderObjects(join(home, 'below'), join(home, 'cold')),
    async damage(key) {
      const path = join(home, 'below', key)
      // A disk that loses a bit leaves the file's times unchanged, to the nanosecond.
      await promisify(execFile)('cp', ['-p', path, join(home, 'times')])
      const data = await readFile(path)
      data[data.length >> 1]! ^= 1
      await writeFile(path, data)
      await promisify(execFile)('touch', ['-r', join(home, 'times'), path])
    },
    stop: () => rm(home, { recursive: true }),
  }
})

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-objects-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('a folder that cannot be used is told with the remedy, and a failed write leaves nothing behind', async () => {
  await writeFile(join(folder, 'file'), '')
  const objects = openFolderObjects(join(folder, 'file'))
  await expect(objects.check()).rejects.toMatchObject({ code: 'unavailable', message: /set LARES_HOME/ })
  await expect(objects.put('a/b', Buffer.from('x'))).rejects.toMatchObject({
    code: 'unavailable',
    retryable: true,
  })
  const taken = openFolderObjects(folder)
  await taken.put('folder/object', Buffer.from('x'))
  await expect(taken.put('folder', Buffer.from('x'))).rejects.toMatchObject({ code: 'unavailable' })
  expect((await readdir(folder)).sort()).toEqual(['file', 'folder'])
})
