import { describe } from 'vitest'
import { conversationsSuite } from '../../shared/conversations/conversations.suite.ts'
import { openPostgresConversations } from '../../shared/conversations/postgres.ts'
import { realPart } from '../support/npm-part.ts'
import { callsPerHour, startPostgres } from '../support/postgres.ts'

const server = await realPart(() => startPostgres())

describe.skipIf(!server)(`PostgreSQL ${server?.version}`, () => {
  conversationsSuite('conversations on postgres', async () => {
    const url = await server!.database()
    return {
      open: now => openPostgresConversations({ url, ...(now && { now }) }),
      opener: {
        module: new URL('../../shared/conversations/postgres.ts', import.meta.url).href,
        name: 'openPostgresConversations',
        argument: { url },
      },
      callsPerHour: () => callsPerHour(url),
      stop: () => server!.close(),
    }
  })
})
