import { constants } from 'node:fs'
import { access, chmod, mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LaresError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'

const PRIVATE_FOLDER = 0o700
const PRIVATE_FILE = 0o600
const OTHERS_PERMISSION_BITS = 0o077
/**
 * Databases show who spoke when, even if their content is encrypted. The token and the key give access to everything.
 */
const PRIVATE_NAMES = /^(token|master\.key)$|\.db(-wal|-shm)?$/

/**
 * Creates the data directory for its user alone, or removes other users' permissions from an existing one. Errors:
 * `invalid_config` if it cannot be written.
 */
export async function openDataDirectory(folder: string, log: Logger): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER })
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    const tightened = await tightenDataDirectory(folder)
    if (tightened > 0)
      log.warn({ paths: tightened }, `other users could read ${folder}: their rights were taken away`)
  } catch (cause) {
    throw new LaresError(
      'invalid_config',
      `the data directory ${folder} cannot be written (${(cause as Error).message}): give this user the right to, or set LARES_HOME to another folder`,
      { cause },
    )
  }
}

/** Resolves with the number of paths that other users had permissions for. Windows has no such permissions. */
async function tightenDataDirectory(folder: string): Promise<number> {
  if (process.platform === 'win32') return 0
  const names = (await readdir(folder)).filter(name => PRIVATE_NAMES.test(name))
  const targets = [
    { path: folder, mode: PRIVATE_FOLDER },
    ...names.map(name => ({ path: join(folder, name), mode: PRIVATE_FILE })),
  ]
  const results = await Promise.all(
    targets.map(async ({ path, mode }) => {
      // A -wal file may have been removed meanwhile.
      const found = await stat(path).catch(() => undefined)
      if (!found || (found.mode & OTHERS_PERMISSION_BITS) === 0) return false
      await chmod(path, mode)
      return true
    }),
  )
  return results.filter(Boolean).length
}
