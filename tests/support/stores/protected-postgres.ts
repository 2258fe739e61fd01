import { join } from 'node:path'
import { openKeys } from '../../../shared/protection/keys.ts'
import { masterKeysIn } from '../../../shared/protection/master-key.ts'
import { openPostgresRing } from '../../../shared/protection/ring/postgres-ring.ts'
import { makingKeys } from '../../../shared/protection/stores/protected-sqlite.fixture.ts'
import { protectedConversations } from '../../../shared/protection/stores/protected-store.ts'
import { openPostgresConversations } from '../../../shared/store/postgres/postgres-store.ts'
import type { Conversations } from '../../../shared/store/store.ts'

/** The encrypted store with its ring in the same database, as each process opens it. */
export async function openProtectedPostgres({
  url,
  home,
  now,
}: {
  url: string
  home: string
  now?: () => number
}): Promise<Conversations> {
  const ring = await openPostgresRing({ url })
  const keys = await openKeys({ ring, masters: masterKeysIn(join(home, 'master.key')) })
  const store = protectedConversations(
    await openPostgresConversations({ url, ...(now && { now }) }),
    makingKeys(keys),
  )
  return {
    ...store,
    async close() {
      await store.close()
      await ring.close()
    },
  }
}
