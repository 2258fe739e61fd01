import { join } from 'node:path'
import type { Conversations } from '../conversations/conversations.ts'
import { openSqliteConversations } from '../conversations/sqlite.ts'
import { type Keys, openKeys } from './keys.ts'
import { masterKeysIn } from './master-key.ts'
import { protectedConversations } from './protected-conversations.ts'
import { openSqliteRing } from './ring-sqlite.ts'

/** Keys in a folder, as a house has them. */
export const keysIn = (folder: string, freshMs?: number): Promise<Keys> =>
  openKeys({
    ring: openSqliteRing(join(folder, 'keys.db')),
    masters: masterKeysIn(join(folder, 'master.key')),
    ...(freshMs !== undefined && { freshMs }),
  })

/** The protected store in a folder, as each process opens it. */
export const openProtectedConversations = async (
  folder: string,
  now?: () => number,
): Promise<Conversations> =>
  protectedConversations(openSqliteConversations(join(folder, 'conversations.db'), now), await keysIn(folder))
