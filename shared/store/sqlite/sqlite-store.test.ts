import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { conversationsSuite } from '../store.suite.ts'
import { callsIn } from './calls.fixture.ts'
import { openSqliteConversations } from './sqlite-store.ts'

conversationsSuite('conversations on sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lares-conversations-'))
  const file = join(folder, 'conversations.db')
  return {
    open: async now => openSqliteConversations(file, now),
    opener: {
      module: new URL('./sqlite-store.ts', import.meta.url).href,
      name: 'openSqliteConversations',
      argument: file,
    },
    callsPerHour: async () => callsIn(file),
    stop: () => rm(folder, { recursive: true }),
  }
})
