import { join } from 'node:path'
import type { Bus } from '../../bus/bus.ts'
import { openSqliteBus } from '../../bus/sqlite/sqlite-bus.ts'
import { openSqliteConversations } from '../../store/sqlite/sqlite-store.ts'
import type { Conversations } from '../../store/store.ts'
import { type Keys, openKeys } from '../keys.ts'
import { masterKeysIn } from '../master-key.ts'
import { openOwners } from '../owners.ts'
import { openSqliteRing } from '../ring/sqlite-ring.ts'
import { protectedBus } from './protected-bus.ts'
import { protectedConversations } from './protected-store.ts'

/** Keys in a folder, as a house has them. */
export const keysIn = (folder: string, freshMs?: number): Promise<Keys> =>
  openKeys({
    ring: openSqliteRing(join(folder, 'keys.db')),
    masters: masterKeysIn(join(folder, 'master.key')),
    ...(freshMs !== undefined && { freshMs }),
  })

/** For the suites of the ports, whose people have not spoken to any gateway: what is written makes their keys. */
export const makingKeys = (keys: Keys): Keys => ({ ...keys, ofKnown: keys.of, existing: keys.of })

/** The protected store in a folder, as each process opens it. */
export const openProtectedConversations = async (
  folder: string,
  now?: () => number,
): Promise<Conversations> =>
  protectedConversations(
    openSqliteConversations(join(folder, 'conversations.db'), now),
    makingKeys(await keysIn(folder)),
  )

export const openProtectedBus = async ({ folder }: { folder: string }): Promise<Bus> =>
  protectedBus(openSqliteBus({ file: join(folder, 'bus.db') }), {
    keys: makingKeys(await keysIn(folder)),
    owners: openOwners(),
    ownerOf: async () => undefined,
  })
