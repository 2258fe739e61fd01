import { join } from 'node:path'
import { openKeys } from '../../../shared/protection/keys.ts'
import { masterKeysFromFile } from '../../../shared/protection/master-key.ts'
import { openPostgresKeyRing } from '../../../shared/protection/ring/postgres-ring.ts'
import { withKeyCreation } from '../../../shared/protection/stores/protected-sqlite.fixture.ts'
import { protectedStore } from '../../../shared/protection/stores/protected-store.ts'
import { openPostgresStore } from '../../../shared/store/postgres/postgres-store.ts'
import type { Store } from '../../../shared/store/store.ts'

/** The encrypted store with its key ring in the same database, as each process opens it. */
export async function openProtectedPostgres({
  url,
  home,
  now,
}: {
  url: string
  home: string
  now?: () => number
}): Promise<Store> {
  const ring = await openPostgresKeyRing({ url })
  const keys = await openKeys({ ring, masterKeys: masterKeysFromFile(join(home, 'master.key')) })
  const store = protectedStore(await openPostgresStore({ url, ...(now && { now }) }), withKeyCreation(keys))
  return {
    ...store,
    async close() {
      await store.close()
      await ring.close()
    },
  }
}
