import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe } from 'vitest'
import { conversationsSuite } from '../../shared/conversations/conversations.suite.ts'
import { ringSuite } from '../../shared/protection/ring.suite.ts'
import { openPostgresRing } from '../../shared/protection/ring-postgres.ts'
import { realPart } from '../support/npm-part.ts'
import { callsPerHour, startPostgres } from '../support/postgres.ts'
import { openProtectedPostgres } from '../support/protected-postgres.ts'

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
        module: new URL('../support/protected-postgres.ts', import.meta.url).href,
        name: 'openProtectedPostgres',
        argument: { url, home },
      },
      callsPerHour: () => callsPerHour(url),
      stop: () => rm(home, { recursive: true, force: true }),
    }
  })
})
