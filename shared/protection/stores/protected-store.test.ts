import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readModelCalls } from '../../store/sqlite/calls.fixture.ts'
import { storeSuite } from '../../store/store.suite.ts'
import { openProtectedStore } from './protected-sqlite.fixture.ts'

storeSuite('conversations on sqlite, encrypted', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lares-protected-'))
  return {
    open: now => openProtectedStore(folder, now),
    opener: {
      module: new URL('./protected-sqlite.fixture.ts', import.meta.url).href,
      name: 'openProtectedStore',
      argument: folder,
    },
    callsPerHour: async () => readModelCalls(join(folder, 'conversations.db')),
    stop: () => rm(folder, { recursive: true }),
  }
})
