import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { callsIn } from '../../store/sqlite/calls.fixture.ts'
import { conversationsSuite } from '../../store/store.suite.ts'
import { openProtectedConversations } from './protected-sqlite.fixture.ts'

conversationsSuite('conversations on sqlite, encrypted', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lares-protected-'))
  return {
    open: now => openProtectedConversations(folder, now),
    opener: {
      module: new URL('./protected-sqlite.fixture.ts', import.meta.url).href,
      name: 'openProtectedConversations',
      argument: folder,
    },
    callsPerHour: async () => callsIn(join(folder, 'conversations.db')),
    stop: () => rm(folder, { recursive: true }),
  }
})
