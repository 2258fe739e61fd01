import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe } from 'vitest'
import { openPostgresRing } from '../../../shared/protection/ring/postgres-ring.ts'
import { ringSuite } from '../../../shared/protection/ring/ring.suite.ts'
import { conversationsSuite } from '../../../shared/store/store.suite.ts'
import { realPart } from '../../support/npm-program.ts'
import { callsPerHour, startPostgres } from '../../support/stores/postgres.ts'
import { openProtectedPostgres } from '../../support/stores/protected-postgres.ts'

const postgres = await realPart(() => startPostgres())
afterAll(() => postgres?.close())

describe.skipIf(!postgres)('encryption on PostgreSQL', () => {
  ringSuite('the key ring on postgres', async () => {
    const url = await postgres!.database()
    return { open: () => openPostgresRing({ url }), stop: async () => undefined }
  })

  conversationsSuite('conversations on postgres, encrypted', async () => {
    const [url, home] = [await postgres!.database(), await mkdtemp(join(tmpdir(), 'lares-protected-'))]
    return {
      open: now => openProtectedPostgres({ url, home, ...(now && { now }) }),
      opener: {
        module: new URL('../../support/stores/protected-postgres.ts', import.meta.url).href,
        name: 'openProtectedPostgres',
        argument: { url, home },
      },
      callsPerHour: () => callsPerHour(url),
      stop: () => rm(home, { recursive: true, force: true }),
    }
  })
})
