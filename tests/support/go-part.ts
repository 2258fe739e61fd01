import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readEnvironment } from '../../shared/config/environment.ts'
import { LaresError } from '../../shared/errors.ts'

const run = promisify(execFile)

export type GoPart = {
  name: string
  module: string
  /** The program's package below the module, where it is not the module itself. */
  package?: string
  version: string
  /** How long two cores are busy with it. */
  takes: string
}

/**
 * A program for tests that is published as source, built with Go at the first use and kept in the cache.
 * Errors: `unavailable`.
 */
export async function goPart({ name, module, package: path = '.', version, takes }: GoPart): Promise<string> {
  const { cache } = readEnvironment(process.env)
  const folder = join(cache, `${name}-${version}`)
  const binary = join(folder, name)
  if (existsSync(binary)) return binary
  await mkdir(cache, { recursive: true })
  const draft = await mkdtemp(`${folder}-`)
  process.stderr.write(`building ${name} ${version} with Go (${takes}, once)\n`)
  try {
    await build(draft, `${module}@${version}`, path, name)
    await rename(draft, folder)
  } catch (cause) {
    await rm(draft, { recursive: true, force: true })
    if (!existsSync(binary))
      throw new LaresError(
        'unavailable',
        `${name} could not be built: ${(cause as Error).message}; install Go 1.24 or newer`,
        { cause },
      )
  }
  return binary
}

/** In the module's own folder, because `go install` refuses one that has `replace` or `exclude` in its go.mod. */
async function build(draft: string, module: string, path: string, name: string): Promise<void> {
  const { stdout } = await run('go', ['mod', 'download', '-json', module])
  const source = join(draft, 'source')
  await cp((JSON.parse(stdout) as { Dir: string }).Dir, source, { recursive: true })
  const args = ['build', '-trimpath', '-ldflags', '-s -w', '-o', join(draft, name), path]
  await run('go', args, { cwd: source, maxBuffer: 16 * 1024 * 1024 })
  // Go's own copies are read-only.
  await run('chmod', ['-R', 'u+w', source])
  await rm(source, { recursive: true })
}
