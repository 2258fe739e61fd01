import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openFolderObjects } from './folder.ts'
import { objectsSuite } from './objects.suite.ts'

objectsSuite('objects in a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lares-objects-'))
  return { objects: openFolderObjects(join(folder, 'below')), stop: () => rm(folder, { recursive: true }) }
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
