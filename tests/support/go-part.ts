import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
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
  /** The version of the modules below k8s.io that Kubernetes develops in its own repository, as v0.36.3. */
  staging?: string
  /** How long two cores are busy with it. */
  takes: string
}

/**
 * A program for tests that is published as source, built with Go at the first use and kept in the cache.
 * Errors: `unavailable`.
 */
export async function goPart({
  name,
  module,
  package: path = '.',
  version,
  staging,
  takes,
}: GoPart): Promise<string> {
  const { cache } = readEnvironment(process.env)
  const folder = join(cache, `${name}-${version}`)
  const binary = join(folder, name)
  if (existsSync(binary)) return binary
  await mkdir(cache, { recursive: true })
  const draft = await mkdtemp(`${folder}-`)
  process.stderr.write(`building ${name} ${version} with Go (${takes}, once)\n`)
  try {
    const source = join(draft, 'source')
    await fetchModule(`${module}@${version}`, source)
    if (staging !== undefined) await replaceStaging(source, staging)
    await build(source, path, join(draft, name))
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

/** A copy of its own, because `go install` refuses a module that has `replace` or `exclude` in its go.mod. */
async function fetchModule(module: string, source: string): Promise<void> {
  await cp(await goModule(module), source, { recursive: true })
  // Go's own copies are read-only.
  await run('chmod', ['-R', 'u+w', source])
}

/** The folder of a module as Go has fetched it. */
export async function goModule(module: string): Promise<string> {
  const { stdout } = await run('go', ['mod', 'download', '-json', module])
  return (JSON.parse(stdout) as { Dir: string }).Dir
}

async function build(source: string, path: string, binary: string): Promise<void> {
  await run('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', binary, path], {
    cwd: source,
    env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-mod=mod' },
    maxBuffer: 16 * 1024 * 1024,
  })
  await rm(source, { recursive: true })
}

/** In a module they are not in the folders that its go.mod points to, but are published under versions of their own. */
async function replaceStaging(source: string, version: string): Promise<void> {
  const file = join(source, 'go.mod')
  const text = await readFile(file, 'utf8')
  const released = text
    .replace(/^replace \(.*?^\)$/ms, '')
    .replace(/(k8s\.io\/[\w-]+) v0\.0\.0(?=\s)/g, `$1 ${version}`)
  await writeFile(file, released)
}
