import { describe } from 'vitest'
import { openPostgresStore } from '../../../shared/store/postgres/postgres-store.ts'
import { storeSuite } from '../../../shared/store/store.suite.ts'
import { startOrSkip } from '../../support/npm-program.ts'
import { callsPerHour, startPostgres } from '../../support/stores/postgres.ts'

const server = await startOrSkip(() => startPostgres())

describe.skipIf(!server)(`PostgreSQL ${server?.version}`, () => {
  storeSuite('conversations on postgres', async () => {
    const url = await server!.database()
    return {
      open: now => openPostgresStore({ url, ...(now && { now }) }),
      opener: {
        module: new URL('../../../shared/store/postgres/postgres-store.ts', import.meta.url).href,
        name: 'openPostgresStore',
        argument: { url },
      },
      callsPerHour: () => callsPerHour(url),
      stop: () => server!.close(),
    }
  })
})
