import { join } from 'node:path'
import { LaresError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { existsSync } from '../base/node-fs.ts'
import { loadOptional } from '../base/optional-package.ts'
import type { Environment } from '../config/environment.ts'
import { hasEncryptedContent, hasStore, KEY_RING_FILE, missingRingError } from './encryption-probe.ts'
import type { Keys } from './keys.ts'
import { lazyKeys } from './lazy-keys.ts'
import type { MasterKeys } from './master-key.ts'
import type { KeyRing } from './ring/ring.ts'

/** The keys of an instance, opened at their first use. */
export type Protection = {
  keys: Keys
  ring(): Promise<KeyRing>
  masterKeys(): Promise<MasterKeys>
  /**
   * Resolves when the keys can be used. Errors: those of `openKeys`; `invalid_config` for data that was written without
   * encryption, or without its key ring.
   */
  ready(): Promise<void>
  close(): Promise<void>
}

/** Undefined with LARES_PROTECTION=off. Errors: `invalid_config` if the data directory has keys. */
export function openProtection(environment: Environment, log: Logger): Protection | undefined {
  const { dataDirectory, masterKey, database } = environment
  if (!masterKey) {
    if (database === undefined && existsSync(join(dataDirectory, KEY_RING_FILE)))
      throw new LaresError(
        'invalid_config',
        `the data in ${dataDirectory} is encrypted: start without LARES_PROTECTION=off`,
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
    return await (await loadOptional(() => import('./ring/postgres-ring.ts'))).openPostgresKeyRing({
      url: database.url,
      log,
    })
  const file = join(dataDirectory, KEY_RING_FILE)
  // A start creates the ring before the store, so a store without a ring has lost it.
  const isStoreThere = hasStore(dataDirectory)
  if (isStoreThere && !existsSync(file)) throw await missingOrNoRingError(dataDirectory)
  const [{ openSqliteKeyRing }, { SYSTEM }] = await Promise.all([
    import('./ring/sqlite-ring.ts'),
    import('./keys.ts'),
  ])
  const ring = openSqliteKeyRing(file, log)
  const isEmpty = (await ring.byPerson(SYSTEM)) === undefined
  if (!isEmpty || !isStoreThere || !(await hasEncryptedContent(dataDirectory))) return ring
  await ring.close()
  throw missingRingError(dataDirectory)
}

async function missingOrNoRingError(dataDirectory: string): Promise<LaresError> {
  if (await hasEncryptedContent(dataDirectory)) return missingRingError(dataDirectory)
  return new LaresError(
    'invalid_config',
    `the data in ${dataDirectory} was begun without encryption. Move it into an encrypted directory: LARES_PROTECTION=off npx lares export old.ndjson; move ${dataDirectory} away; npx lares import old.ndjson. Or go on without: LARES_PROTECTION=off`,
  )
}

/**
 * Errors: `invalid_config` for encrypted content, which would be shown, exported and extended as if it were plain text.
 */
export async function requirePlainStore({ dataDirectory, database }: Environment): Promise<void> {
  if (database === undefined && (await hasEncryptedContent(dataDirectory)))
    throw missingRingError(dataDirectory)
}
