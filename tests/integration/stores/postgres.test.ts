import { describe } from 'vitest'
import { openPostgresConversations } from '../../../shared/store/postgres/postgres-store.ts'
import { conversationsSuite } from '../../../shared/store/store.suite.ts'
import { realPart } from '../../support/npm-program.ts'
import { callsPerHour, startPostgres } from '../../support/stores/postgres.ts'

const server = await realPart(() => startPostgres())

describe.skipIf(!server)(`PostgreSQL ${server?.version}`, () => {
  conversationsSuite('conversations on postgres', async () => {
    const url = await server!.database()
    return {
      open: now => openPostgresConversations({ url, ...(now && { now }) }),
      opener: {
        module: new URL('../../../shared/store/postgres/postgres-store.ts', import.meta.url).href,
        name: 'openPostgresConversations',
        argument: { url },
      },
      callsPerHour: () => callsPerHour(url),
      stop: () => server!.close(),
    }
  })
})
