import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { LaresError } from '../../shared/base/errors.ts'
import type { Logger } from '../../shared/base/log.ts'
import { ensureMe5Folder, ME5_MODEL_ID } from '../../shared/models/e5/model-folder.ts'
import { imageId } from './base.ts'

const run = promisify(execFile)

/** LARES_CACHE of the functions. */
const CACHE_DIRECTORY = '/opt/lares'

export type EmbeddingsImageOptions = {
  /** The image to which the model is added. */
  from: string
  /** The folder of the model on this machine. The model is downloaded when it is missing. */
  cacheDir: string
  /** The prefix of `node-embeddings` in the image's name. */
  prefix?: string
  log: Logger
}

/**
 * Builds an image that adds the built-in embedding model to another image, for functions that cannot download it. As
 * the base of all functions, it is one layer that all of them share. Does nothing when the image exists. Errors:
 * `unavailable`, with the failure.
 */
export async function buildEmbeddingsImage(options: EmbeddingsImageOptions): Promise<string> {
  const { from, cacheDir, prefix = 'lares', log } = options
  const model = await ensureMe5Folder({ cacheDir, log })
  const image = `${prefix}/node-embeddings:${await imageTag(from)}`
  if ((await imageId(image)) !== undefined) return image
  const folder = await mkdtemp(join(tmpdir(), 'lares-embeddings-'))
  try {
    await cp(model, join(folder, ME5_MODEL_ID), { recursive: true })
    await writeFile(
      join(folder, 'Dockerfile'),
      `FROM ${from}\nCOPY ${ME5_MODEL_ID}/ ${CACHE_DIRECTORY}/models/${ME5_MODEL_ID}/\nENV LARES_CACHE=${CACHE_DIRECTORY}\n`,
    )
    await runDocker(['build', '--quiet', '--tag', image, folder])
    return image
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A tag with a digest of the inputs, so that another base or another model makes another image. */
async function imageTag(from: string): Promise<string> {
  if ((await imageId(from)) === undefined) await runDocker(['pull', '--quiet', from])
  return createHash('sha256')
    .update(JSON.stringify([await imageId(from), ME5_MODEL_ID]))
    .digest('hex')
    .slice(0, 12)
}

async function runDocker(args: string[]): Promise<void> {
  await run('docker', args).catch((cause: Error & { stderr?: string }) => {
    throw new LaresError(
      'unavailable',
      `docker ${args[0]} failed: ${(cause.stderr || cause.message).trim()}`,
      { cause },
    )
  })
}
