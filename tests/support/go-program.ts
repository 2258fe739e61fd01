import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { LaresError } from '../../shared/base/errors.ts'
import { readEnvironment } from '../../shared/config/environment.ts'

const run = promisify(execFile)

export type GoBuild = {
  name: string
  module: string
  /** The packages of the programs below the module, by program name; default: the module itself is the only one. */
  programs?: Record<string, string>
  version: string
  /** The version of the modules below k8s.io that Kubernetes develops in its own repository, as v0.36.3. */
  staging?: string
  /** Variables of a release build, as `package.name=value`. */
  variables?: string[]
  /** Replacements in a file of the source. The build fails when a file does not contain `from`. */
  edits?: { file: string; from: string; to: string }[]
  /** The build time on two cores. */
  buildDuration: string
}

/**
 * Builds programs for tests that are published only as source, with Go at the first use, and keeps them in the cache.
 * Returns the folder with the programs by their names. Errors: `unavailable`.
 */
export async function buildGoPrograms(options: GoBuild): Promise<string> {
  const { name, module, version, staging, buildDuration } = options
  const { programs = { [name]: '.' }, variables = [], edits = [] } = options
  const { cacheDirectory } = readEnvironment(process.env)
  const folder = join(cacheDirectory, `${name}-${version}`)
  const isBuilt = () => Object.keys(programs).every(program => existsSync(join(folder, program)))
  if (isBuilt()) return folder
  await mkdir(cacheDirectory, { recursive: true })
  const draft = await mkdtemp(`${folder}-`)
  process.stderr.write(`building ${name} ${version} with Go (${buildDuration}, once)\n`)
  try {
    const source = join(draft, 'source')
    await fetchModule(`${module}@${version}`, source)
    if (staging !== undefined) await replaceStagingModules(source, staging)
    for (const edit of edits) await applyEdit(join(source, edit.file), edit)
    // One after the other, because they share most of the compiled packages.
    for (const [program, path] of Object.entries(programs))
      await build(source, path, join(draft, program), variables)
    await rm(source, { recursive: true })
    await rename(draft, folder)
  } catch (cause) {
    await rm(draft, { recursive: true, force: true })
    if (!isBuilt())
      throw new LaresError(
        'unavailable',
        `${name} could not be built: ${(cause as Error).message}; install Go 1.24 or newer`,
        { cause },
      )
  }
  return folder
}

/** A copy of its own, because `go install` refuses a module that has `replace` or `exclude` in its go.mod. */
async function fetchModule(module: string, source: string): Promise<void> {
  await cp(await downloadGoModule(module), source, { recursive: true })
  // Go's own copies are read-only.
  await run('chmod', ['-R', 'u+w', source])
}

/** The folder of a module in Go's download cache. */
export async function downloadGoModule(module: string): Promise<string> {
  const { stdout } = await run('go', ['mod', 'download', '-json', module])
  return (JSON.parse(stdout) as { Dir: string }).Dir
}

async function build(source: string, path: string, binary: string, variables: string[]): Promise<void> {
  const flags = ['-s', '-w', ...variables.flatMap(variable => ['-X', variable])].join(' ')
  await run('go', ['build', '-trimpath', '-ldflags', flags, '-o', binary, path], {
    cwd: source,
    env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-mod=mod' },
    maxBuffer: 16 * 1024 * 1024,
  })
}

async function applyEdit(file: string, { from, to }: { from: string; to: string }): Promise<void> {
  const text = await readFile(file, 'utf8')
  if (!text.includes(from)) throw new Error(`${file} does not have "${from}"`)
  await writeFile(file, text.replace(from, to))
}

/**
 * Replaces staging modules by their published versions, because a downloaded module lacks the folders that its go.mod
 * points to.
 */
async function replaceStagingModules(source: string, version: string): Promise<void> {
  const file = join(source, 'go.mod')
  const text = await readFile(file, 'utf8')
  const released = text
    .replace(/^replace \(.*?^\)$/ms, '')
    .replace(/(k8s\.io\/[\w-]+) v0\.0\.0(?=\s)/g, `$1 ${version}`)
  await writeFile(file, released)
}
