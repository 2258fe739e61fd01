import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteVectors } from './sqlite.ts'
import { vectorsSuite } from './vectors.suite.ts'

vectorsSuite('vectors on sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lares-vectors-'))
  return {
    open: async () => openSqliteVectors(join(folder, 'vectors.db')),
    stop: () => rm(folder, { recursive: true }),
  }
})
