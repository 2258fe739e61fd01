import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe } from 'vitest'
import { openPostgresKeyRing } from '../../../shared/protection/ring/postgres-ring.ts'
import { keyRingSuite } from '../../../shared/protection/ring/ring.suite.ts'
import { storeSuite } from '../../../shared/store/store.suite.ts'
import { startOrSkip } from '../../support/npm-program.ts'
import { callsPerHour, startPostgres } from '../../support/stores/postgres.ts'
import { openProtectedPostgres } from '../../support/stores/protected-postgres.ts'

const postgres = await startOrSkip(() => startPostgres())
afterAll(() => postgres?.close())

describe.skipIf(!postgres)('encryption on PostgreSQL', () => {
  keyRingSuite('the key ring on postgres', async () => {
    const url = await postgres!.database()
    return { open: () => openPostgresKeyRing({ url }), stop: async () => undefined }
  })

  storeSuite('conversations on postgres, encrypted', async () => {
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
