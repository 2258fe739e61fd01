import { join } from 'node:path'
import type { Bus } from '../../bus/bus.ts'
import { openSqliteBus } from '../../bus/sqlite/sqlite-bus.ts'
import { openSqliteStore } from '../../store/sqlite/sqlite-store.ts'
import type { Store } from '../../store/store.ts'
import { type Keys, openKeys } from '../keys.ts'
import { masterKeysFromFile } from '../master-key.ts'
import { openOwnerCache } from '../owners.ts'
import { openSqliteKeyRing } from '../ring/sqlite-ring.ts'
import { protectedBus } from './protected-bus.ts'
import { protectedStore } from './protected-store.ts'

/** The keys in a folder, as an instance has them. */
export const openTestKeys = (folder: string, cacheTtlMs?: number): Promise<Keys> =>
  openKeys({
    ring: openSqliteKeyRing(join(folder, 'keys.db')),
    masterKeys: masterKeysFromFile(join(folder, 'master.key')),
    ...(cacheTtlMs !== undefined && { cacheTtlMs }),
  })

/** For the suites of the ports, whose people have not spoken to a gateway: each write creates missing keys. */
export const withKeyCreation = (keys: Keys): Keys => ({
  ...keys,
  require: keys.getOrCreate,
  find: keys.getOrCreate,
})

/** The protected store in a folder, as each process opens it. */
export const openProtectedStore = async (folder: string, now?: () => number): Promise<Store> =>
  protectedStore(
    openSqliteStore(join(folder, 'conversations.db'), now),
    withKeyCreation(await openTestKeys(folder)),
  )

export const openProtectedBus = async ({ folder }: { folder: string }): Promise<Bus> =>
  protectedBus(openSqliteBus({ file: join(folder, 'bus.db') }), {
    keys: withKeyCreation(await openTestKeys(folder)),
    owners: openOwnerCache(),
    stored: { ownerOf: async () => undefined, senderOf: async () => undefined },
  })
