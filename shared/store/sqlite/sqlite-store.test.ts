import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeSuite } from '../store.suite.ts'
import { readModelCalls } from './calls.fixture.ts'
import { openSqliteStore } from './sqlite-store.ts'

storeSuite('conversations on sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lares-conversations-'))
  const file = join(folder, 'conversations.db')
  return {
    open: async now => openSqliteStore(file, now),
    opener: {
      module: new URL('./sqlite-store.ts', import.meta.url).href,
      name: 'openSqliteStore',
      argument: file,
    },
    callsPerHour: async () => readModelCalls(file),
    stop: () => rm(folder, { recursive: true }),
  }
})
