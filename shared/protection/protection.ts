import { join } from 'node:path'
import { LaresError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { existsSync } from '../base/node-fs.ts'
import type { Environment } from '../config/environment.ts'
import type { Keys } from './keys.ts'
import { lazyKeys } from './lazy-keys.ts'
import type { MasterKeys } from './master-key.ts'
import type { KeyRing } from './ring/ring.ts'

/** The keys of a house, opened at their first use. */
export type Protection = {
  keys: Keys
  ring(): Promise<KeyRing>
  masterKeys(): Promise<MasterKeys>
  /** Resolves when the keys can be used. Errors: those of `openKeys`; `invalid_config` for a house that was begun without keys. */
  ready(): Promise<void>
  close(): Promise<void>
}

const KEY_RING_FILE = 'keys.db'

/** Undefined when LARES_PROTECTION=off says so. Errors: `invalid_config`, when that house has keys. */
export function openProtection(environment: Environment, log: Logger): Protection | undefined {
  const { dataDirectory, masterKey, database } = environment
  if (!masterKey) {
    if (database === undefined && existsSync(join(dataDirectory, KEY_RING_FILE)))
      throw new LaresError(
        'invalid_config',
        `the house in ${dataDirectory} is encrypted: start it without LARES_PROTECTION=off`,
      )
    log.warn({}, 'LARES_PROTECTION=off: everything that people say is kept as plain text')
    return undefined
  }
  let opening: Promise<KeyRing> | undefined
  const ring = () => (opening ??= openKeyRing(environment, log))
  const masterKeys = async () => {
    const { masterKeysFromFile, masterKeysFromText } = await import('./master-key.ts')
    return 'file' in masterKey ? masterKeysFromFile(masterKey.file) : masterKeysFromText(masterKey.text)
  }
  const open = async () => {
    const { openKeys } = await import('./keys.ts')
    return await openKeys({ ring: await ring(), masterKeys: await masterKeys() })
  }
  const { keys, ready } = lazyKeys(open)
  return {
    keys,
    ring,
    masterKeys,
    ready,
    async close() {
      await (await opening?.catch(() => undefined))?.close()
    },
  }
}

async function openKeyRing({ dataDirectory, database }: Environment, log: Logger): Promise<KeyRing> {
  if (database)
    return await (await import('./ring/postgres-ring.ts')).openPostgresKeyRing({ url: database.url, log })
  const file = join(dataDirectory, KEY_RING_FILE)
  // The ring is made before anything else is: where there is something and no ring, it was begun without.
  if (existsSync(join(dataDirectory, 'conversations.db')) && !existsSync(file))
    throw new LaresError(
      'invalid_config',
      `the house in ${dataDirectory} was begun without encryption. Move what it knows into an encrypted one: LARES_PROTECTION=off npx lares export old.ndjson; move ${dataDirectory} away; npx lares import old.ndjson. Or go on without: LARES_PROTECTION=off`,
    )
  return (await import('./ring/sqlite-ring.ts')).openSqliteKeyRing(file)
}
