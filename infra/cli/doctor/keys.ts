import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { Environment } from '../../../shared/config/environment.ts'
import { masterKeysFromFile, masterKeysFromText } from '../../../shared/protection/master-key.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

const OTHERS_PERMISSION_BITS = 0o077

/** Whether what people say is encrypted, and who else may have the master key. Errors: those of a key that is none. */
export async function checkKeys({ masterKey, dataDirectory, database }: Environment): Promise<Finding> {
  if (!masterKey)
    return warning('keys', 'LARES_PROTECTION=off: everything that people say is kept as plain text')
  if ('text' in masterKey) {
    await masterKeysFromText(masterKey.text).all()
    return ok('keys', 'the master key is in LARES_MASTER_KEY')
  }
  const { file } = masterKey
  const fileStats = await stat(file).catch(() => undefined)
  if (!fileStats) {
    const isNew = database === undefined && !existsSync(join(dataDirectory, 'keys.db'))
    return isNew
      ? ok('keys', `the first start makes the master key in ${file}`)
      : problem(
          'keys',
          `there is no master key in ${file}: put it back, or say in LARES_MASTER_KEY_FILE where it is`,
        )
  }
  await masterKeysFromFile(file).all()
  if (process.platform !== 'win32' && (fileStats.mode & OTHERS_PERMISSION_BITS) !== 0)
    return warning('keys', `others may read the master key: chmod 600 ${file}`)
  return file.startsWith(dataDirectory + sep)
    ? ok('keys', `the master key is in ${file}, beside the data: move it (docs/privacy.md)`)
    : ok('keys', `the master key is in ${file}`)
}
