import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { LaresError } from '../../shared/base/errors.ts'
import { cachedFolder } from './cached-folder.ts'

const run = promisify(execFile)

/**
 * The folder below the cache with these npm packages (each `name@version`), installed at the first use. They are
 * servers for tests and far larger than Lares itself, so people who only want to run Lares should not download them.
 * Errors: `unavailable`.
 */
export const installNpmPackages = (name: string, packages: string[]): Promise<string> =>
  cachedFolder(name, async draft => {
    const npmFlags = ['--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund']
    await run('npm', ['install', '--prefix', draft, ...npmFlags, ...packages]).catch(cause => {
      const reason = `${packages.join(', ')} could not be fetched: ${cause.message}`
      throw new LaresError('unavailable', reason, { cause })
    })
  })

/** Starts a real server for tests. Returns undefined when it is not available, which CI counts as a failure. */
export async function startOrSkip<T>(start: () => Promise<T>): Promise<T | undefined> {
  try {
    return await start()
  } catch (error) {
    if (process.env.LARES_CI) throw error
    process.stderr.write(`left out here: ${(error as Error).message}\n`)
    return undefined
  }
}
