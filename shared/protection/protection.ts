import { join } from 'node:path'
import { LaresError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { existsSync } from '../base/node-fs.ts'
import type { Environment } from '../config/environment.ts'
import type { Keys } from './keys.ts'
import { lazyKeys } from './lazy-keys.ts'
import type { MasterKeys } from './master-key.ts'
import type { Ring } from './ring/ring.ts'

/** The keys of a house, opened at their first use. */
export type Protection = {
  keys: Keys
  ring(): Promise<Ring>
  masters(): Promise<MasterKeys>
  /** Resolves when the keys can be used. Errors: those of `openKeys`; `invalid_config` for a house that was begun without keys. */
  ready(): Promise<void>
  close(): Promise<void>
}

const RING = 'keys.db'

/** Undefined when LARES_PROTECTION=off says so. Errors: `invalid_config`, when that house has keys. */
export function openProtection(environment: Environment, log: Log): Protection | undefined {
  const { home, masterKey, database } = environment
  if (!masterKey) {
    if (database === undefined && existsSync(join(home, RING)))
      throw new LaresError(
        'invalid_config',
        `the house in ${home} is encrypted: start it without LARES_PROTECTION=off`,
      )
    log.warn({}, 'LARES_PROTECTION=off: everything that people say is kept as plain text')
    return undefined
  }
  let opening: Promise<Ring> | undefined
  const ring = () => (opening ??= openRing(environment, log))
  const masters = async () => {
    const { masterKeysIn, masterKeysOf } = await import('./master-key.ts')
    return 'file' in masterKey ? masterKeysIn(masterKey.file) : masterKeysOf(masterKey.text)
  }
  const open = async () => {
    const { openKeys } = await import('./keys.ts')
    return await openKeys({ ring: await ring(), masters: await masters() })
  }
  const { keys, ready } = lazyKeys(open)
  return {
    keys,
    ring,
    masters,
    ready,
    async close() {
      await (await opening?.catch(() => undefined))?.close()
    },
  }
}

async function openRing({ home, database }: Environment, log: Log): Promise<Ring> {
  if (database)
    return await (await import('./ring/postgres-ring.ts')).openPostgresRing({ url: database.url, log })
  const file = join(home, RING)
  // The ring is made before anything else is: where there is something and no ring, it was begun without.
  if (existsSync(join(home, 'conversations.db')) && !existsSync(file))
    throw new LaresError(
      'invalid_config',
      `the house in ${home} was begun without encryption. Move what it knows into an encrypted one: LARES_PROTECTION=off npx lares export old.ndjson; move ${home} away; npx lares import old.ndjson. Or go on without: LARES_PROTECTION=off`,
    )
  return (await import('./ring/sqlite-ring.ts')).openSqliteRing(file)
}
