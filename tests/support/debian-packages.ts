import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { LaresError } from '../../shared/base/errors.ts'

const run = promisify(execFile)

/** Installs packages of Debian. Errors: `unavailable`, also when the user is not root. */
export async function installPackages(...names: string[]): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new LaresError('unavailable', `${names.join(' and ')} are not installed; apt-get install them`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...names]
  try {
    await run('apt-get', ['update', '-qq'], { env })
    await run('apt-get', install, { env, maxBuffer: 16 * 1024 * 1024 })
  } catch (cause) {
    const message = `${names.join(' and ')} cannot be installed: ${(cause as Error).message}`
    throw new LaresError('unavailable', message, { cause })
  }
}
