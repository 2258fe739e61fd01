import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { openFolderObjects } from '../../objects/folder.ts'
import { objectStoreSuite } from '../../objects/object-store.suite.ts'
import { personFolder } from '../../objects/person-folder.ts'
import { openSqliteVectors } from '../../vectors/sqlite.ts'
import { vectorsSuite } from '../../vectors/vectors.suite.ts'
import { protectedObjects } from './protected-objects.ts'
import { openTestKeys, withKeyCreation } from './protected-sqlite.fixture.ts'
import { protectedVectors } from './protected-vectors.ts'

vectorsSuite('vectors on sqlite, encrypted', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lares-protected-'))
  return {
    open: async () =>
      protectedVectors(
        openSqliteVectors(join(folder, 'vectors.db')),
        withKeyCreation(await openTestKeys(folder)),
      ),
    stop: () => rm(folder, { recursive: true }),
  }
})

objectStoreSuite('objects in a folder, encrypted', async () => {
  const home = await mkdtemp(join(tmpdir(), 'lares-protected-'))
  return {
    objects: protectedObjects(
      openFolderObjects(join(home, 'below'), join(home, 'cold')),
      withKeyCreation(await openTestKeys(home)),
    ),
    async damage(key) {
      const path = join(home, 'below', key)
      await promisify(execFile)('cp', ['-p', path, join(home, 'times')])
      const data = await readFile(path)
      data[data.length >> 1]! ^= 1
      await writeFile(path, data)
      await promisify(execFile)('touch', ['-r', join(home, 'times'), path])
    },
    stop: () => rm(home, { recursive: true }),
  }
})

test("a person's objects are read until the person is forgotten; an object in the place of another is not", async () => {
  const home = await mkdtemp(join(tmpdir(), 'lares-protected-'))
  const keys = withKeyCreation(await openTestKeys(home, 0))
  const bare = openFolderObjects(join(home, 'objects'))
  const objects = protectedObjects(bare, keys)
  const [mine, other] = [`${personFolder('alice')}attachments/1`, `${personFolder('alice')}attachments/2`]
  await objects.put(mine, Buffer.from('the plan'))
  await bare.put(other, await bare.get(mine))
  expect((await objects.get(mine)).toString()).toBe('the plan')
  await expect(objects.get(other)).rejects.toMatchObject({ code: 'failed' })
  await keys.destroy('alice')
  await expect(objects.get(mine)).rejects.toMatchObject({ code: 'not_found', message: /forgotten/ })
  await rm(home, { recursive: true })
})
