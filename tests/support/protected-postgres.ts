import { join } from 'node:path'
import type { Conversations } from '../../shared/conversations/conversations.ts'
import { openPostgresConversations } from '../../shared/conversations/postgres.ts'
import { openKeys } from '../../shared/protection/keys.ts'
import { masterKeysIn } from '../../shared/protection/master-key.ts'
import { protectedConversations } from '../../shared/protection/protected-conversations.ts'
import { openPostgresRing } from '../../shared/protection/ring-postgres.ts'
import { makingKeys } from '../../shared/protection/sqlite.fixture.ts'

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
