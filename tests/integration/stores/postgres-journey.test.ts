import { afterAll, describe } from 'vitest'
import { journeySuite } from '../../end-to-end/journey.suite.ts'
import { startOrSkip } from '../../support/npm-program.ts'
import { startPostgres } from '../../support/stores/postgres.ts'

const server = await startOrSkip(() => startPostgres())
afterAll(() => server?.close())

describe.skipIf(!server)('the whole assistant', () => {
  journeySuite('in one process, on PostgreSQL', async () => ({
    kind: 'embedded',
    environment: { DATABASE_URL: await server!.database() },
  }))
})
