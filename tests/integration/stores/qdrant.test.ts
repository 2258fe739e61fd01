import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { freePort } from '../../../shared/base/free-port.ts'
import { openTestKeys, withKeyCreation } from '../../../shared/protection/stores/protected-sqlite.fixture.ts'
import { protectedVectors } from '../../../shared/protection/stores/protected-vectors.ts'
import { openQdrantVectors } from '../../../shared/vectors/qdrant.ts'
import { vectorsSuite } from '../../../shared/vectors/vectors.suite.ts'
import { startOrSkip } from '../../support/npm-program.ts'
import { startQdrant } from '../../support/stores/qdrant.ts'

const engine = await startOrSkip(startQdrant)
afterAll(() => engine?.close())

describe.skipIf(!engine)(`Qdrant's engine (${engine?.version})`, () => {
  vectorsSuite('vectors on qdrant', async () => ({
    open: async () => openQdrantVectors({ url: engine!.url }),
    stop: async () => undefined,
  }))

  vectorsSuite('vectors on qdrant, encrypted', async () => {
    const home = await mkdtemp(join(tmpdir(), 'lares-protected-'))
    const keys = withKeyCreation(await openTestKeys(home))
    // An engine of its own: a suite counts on being alone.
    const { url, close } = await startQdrant()
    return {
      open: async () => protectedVectors(openQdrantVectors({ url }), keys),
      async stop() {
        await close()
        await rm(home, { recursive: true })
      },
    }
  })
})

const { QDRANT_URL: url, QDRANT_API_KEY: apiKey } = process.env
describe.skipIf(!url)('a Qdrant server', () => {
  vectorsSuite('vectors on qdrant', async () => ({
    open: async () => openQdrantVectors({ url: url!, apiKey }),
    stop: async () => undefined,
  }))
})

test('a Qdrant that is away is told with its address', async () => {
  const away = openQdrantVectors({ url: `http://127.0.0.1:${await freePort()}` })
  const told = { code: 'unavailable', message: /Qdrant at http:\/\/127\.0\.0\.1:\d+ cannot be used/ }
  await expect(away.check()).rejects.toMatchObject(told)
  await expect(away.index({ id: 'm', dimensions: 2 })).rejects.toMatchObject(told)
})
