import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { LaresError, toLaresError } from '../../shared/base/errors.ts'
import { readEnvironment } from '../../shared/config/environment.ts'
import { openLogger } from '../../shared/observability/pino-log.ts'
import { buildBaseImages } from './base.ts'
import { buildEmbeddingsImage } from './embeddings.ts'

const USAGE = 'npm run images -- [--embeddings [--from IMAGE]]'

/**
 * `npm run images`: prints the base images of functions as build arguments. It builds the base images locally, for
 * machines that cannot reach a registry of images. `--embeddings` adds the embedding model to the base, or to another
 * image.
 */
try {
  const { embeddings, from } = parseOptions()
  const args: string[] = []
  let base = from
  if (base === undefined) {
    const made = await buildBaseImages({
      root: join(import.meta.dirname, '..', '..'),
      onProgress: line => void process.stderr.write(`${line}\n`),
    })
    base = made.base
    args.push(`--build-arg BUILD_IMAGE=${made.build}`)
  }
  if (embeddings) {
    const { cacheDirectory, logLevel } = readEnvironment(process.env)
    const log = openLogger('images', logLevel)
    base = await buildEmbeddingsImage({ from: base, cacheDir: join(cacheDirectory, 'models'), log })
  }
  process.stdout.write(`${[`--build-arg BASE_IMAGE=${base}`, ...args].join(' ')}\n`)
} catch (error) {
  process.stderr.write(`lares: ${toLaresError(error).message}\n`)
  process.exitCode = 1
}

function parseOptions() {
  try {
    const { values } = parseArgs({
      options: { embeddings: { type: 'boolean' }, from: { type: 'string' } },
    })
    if (values.from !== undefined && !values.embeddings)
      throw new Error('--from is for --embeddings: there is nothing to make')
    return values
  } catch (cause) {
    throw new LaresError('invalid_request', `${(cause as Error).message}\n${USAGE}`, { cause })
  }
}
