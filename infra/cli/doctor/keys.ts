import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { silentLogger } from '../../../shared/base/log.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import { hasStore, KEY_RING_FILE } from '../../../shared/protection/encryption-probe.ts'
import { masterKeysFromFile, masterKeysFromText } from '../../../shared/protection/master-key.ts'
import { openProtection, requirePlainStore } from '../../../shared/protection/protection.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

const OTHERS_PERMISSION_BITS = 0o077

/**
 * Checks whether messages are encrypted, who else may have the master key, and whether that key opens the key ring. It
 * takes the same steps as a start. Errors: those of a start.
 */
export async function checkKeys(environment: Environment): Promise<Finding> {
  const { masterKey, dataDirectory } = environment
  if (!masterKey) {
    await requirePlainStore(environment)
    return warning('keys', 'LARES_PROTECTION=off: everything that people say is kept as plain text')
  }
  if ('text' in masterKey) {
    await masterKeysFromText(masterKey.text).all()
    await openRing(environment)
    return ok('keys', 'the master key is in LARES_MASTER_KEY, and opens the key ring')
  }
  const { file } = masterKey
  const fileStats = await stat(file).catch(() => undefined)
  if (!fileStats) return await checkWithoutMasterKey(environment, file)
  await masterKeysFromFile(file).all()
  await openRing(environment)
  if (process.platform !== 'win32' && (fileStats.mode & OTHERS_PERMISSION_BITS) !== 0)
    return warning('keys', `others may read the master key: chmod 600 ${file}`)
  return file.startsWith(dataDirectory + sep)
    ? ok(
        'keys',
        `the master key in ${file} opens the key ring; it lies beside the data: move it (docs/privacy.md)`,
      )
    : ok('keys', `the master key in ${file} opens the key ring`)
}

const hasRing = ({ dataDirectory, database }: Environment): boolean =>
  database !== undefined || existsSync(join(dataDirectory, KEY_RING_FILE))

async function checkWithoutMasterKey(environment: Environment, file: string): Promise<Finding> {
  if (hasRing(environment))
    return problem(
      'keys',
      `there is no master key in ${file}: put it back, or say in LARES_MASTER_KEY_FILE where it is`,
    )
  await openRing(environment)
  return ok('keys', `the first start makes the master key in ${file}`)
}

/** Opens the ring and creates nothing: without a ring and a store, a start would begin a new instance. */
async function openRing(environment: Environment): Promise<void> {
  if (!hasRing(environment) && !hasStore(environment.dataDirectory)) return
  const protection = openProtection(environment, silentLogger)
  try {
    await protection?.ready()
  } finally {
    await protection?.close()
  }
}
