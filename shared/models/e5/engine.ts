import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { InferenceSession } from 'onnxruntime-node'
import { LaresError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { loadOptional } from '../../base/optional-package.ts'
import { me5Files } from './model-folder.ts'
import { openTokenizer, type Tokenizer } from './tokenizer.ts'
import { readVocabulary } from './weights-file.ts'

export type Me5Engine = {
  tokenizer: Tokenizer
  /** One vector of length 1 for each list of ids, all computed as one batch. Blocks this thread while it runs. */
  run(batch: readonly (readonly number[])[]): Promise<Float32Array[]>
  dispose(): Promise<void>
}

export type Me5EngineOptions = { folder: string; threads: number; log: Logger }

const PADDING_ID = 1n
type Runtime = typeof import('onnxruntime-node')

/** Loads the runtime and the model. Errors: `unavailable` with the reason. */
export async function loadMe5Engine(options: Me5EngineOptions): Promise<Me5Engine> {
  try {
    return await load(options)
  } catch (cause) {
    if (cause instanceof LaresError && cause.code === 'invalid_config') throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `the embedding model in ${options.folder} cannot be loaded: ${reason}. Delete that folder to have it made anew`
    throw new LaresError('unavailable', message, { cause })
  }
}

async function load({ folder, threads, log }: Me5EngineOptions): Promise<Me5Engine> {
  const startedAt = performance.now()
  const runtime = await loadOptional<Runtime>(() => createRequire(import.meta.url)('onnxruntime-node'))
  const [session, vocabulary] = await Promise.all([
    runtime.InferenceSession.create(join(folder, me5Files.graph), {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      // A run's memory is freed after it: one long text would otherwise keep 200 MB for good.
      enableCpuMemArena: false,
    }),
    readFile(join(folder, me5Files.vocabulary)),
  ])
  const tokenizer = openTokenizer(readVocabulary(vocabulary))
  log.info({ ms: Math.round(performance.now() - startedAt), threads }, 'loaded the embedding model')
  return {
    tokenizer,
    run: batch => runBatch(runtime, session, batch),
    dispose: async () => {
      await session.release()
      log.info({}, 'the embedding model left the memory')
    },
  }
}

async function runBatch(
  { Tensor }: Runtime,
  session: InferenceSession,
  batch: readonly (readonly number[])[],
): Promise<Float32Array[]> {
  const width = Math.max(...batch.map(ids => ids.length))
  const shape = [batch.length, width]
  const ids = new BigInt64Array(batch.length * width).fill(PADDING_ID)
  const mask = new BigInt64Array(batch.length * width)
  batch.forEach((row, at) => {
    ids.set(row.map(BigInt), at * width)
    mask.fill(1n, at * width, at * width + row.length)
  })
  const feeds = {
    input_ids: new Tensor('int64', ids, shape),
    attention_mask: new Tensor('int64', mask, shape),
  }
  const { sentence_embedding: output } = await session.run(feeds)
  const data = output!.data as Float32Array
  const size = output!.dims[1]!
  return batch.map((_, at) => data.slice(at * size, (at + 1) * size))
}
