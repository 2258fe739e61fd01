import { cancellationError } from '../../base/concurrency/cancellation.ts'
import { type Logger, silentLogger } from '../../base/log.ts'
import { createLruCache } from '../../base/lru-cache.ts'
import { defaultThreads } from '../llama/engine.ts'
import { createRefCountedResource } from '../llama/resident-model.ts'
import type { Embedder, EmbeddingKind } from '../models.ts'
import { loadMe5Engine, type Me5Engine } from './engine.ts'
import { ME5_MODEL_ID } from './model-folder.ts'

export type Me5Options = {
  /** The folder of the model's files; the first use may download them. */
  folder(): Promise<string>
  /** The most threads, and never more than the machine's cores. Default 4. */
  threads?: number
  /** After this time without a request the model is unloaded until the next request. Default 15 minutes. */
  idleUnloadMs?: number
  /** The number of cached vectors, 1.5 KB each. Default 2,000. */
  maxCached?: number
  log?: Logger
}

/** The model's maximum input, in tokens. */
const MAX_TOKENS = 512
/**
 * The maximum length of a batch, in tokens. A batch blocks the thread for some 50 ms, and needs memory for each token.
 */
const BATCH_TOKENS = 512
const BATCH_TEXTS = 32

type TextWindow = { text: number; ids: number[] }

/**
 * Runs multilingual-e5-small in this process, by ONNX Runtime; both load at their first use. Texts of one batch change
 * each other's vectors a little, because activations are quantized for the batch. The cosine with the vector of a text
 * alone stays above 0.99. One text at a time always gives the same vector. Vectors of long texts are averages over
 * windows.
 */
export function openMe5(options: Me5Options): Embedder {
  const {
    threads = defaultThreads(),
    idleUnloadMs = 15 * 60_000,
    maxCached = 2_000,
    log = silentLogger,
  } = options
  const cache = createLruCache<Float32Array>(maxCached)
  const load = async () => loadMe5Engine({ folder: await options.folder(), threads, log })
  const engineResource = createRefCountedResource(load, idleUnloadMs)

  async function embed(texts: readonly string[], kind: EmbeddingKind, signal?: AbortSignal) {
    const inputs = texts.map(text => `${kind}: ${text}`)
    const known = new Map(inputs.flatMap(text => entryIfDefined(text, cache.get(text))))
    const missing = [...new Set(inputs)].filter(text => !known.has(text))
    const computed = missing.length === 0 ? [] : await compute(missing, signal)
    missing.forEach((text, at) => {
      known.set(text, computed[at]!)
      cache.set(text, computed[at]!)
    })
    return { model: ME5_MODEL_ID, vectors: inputs.map(text => known.get(text)!) }
  }

  async function compute(texts: string[], signal?: AbortSignal): Promise<Float32Array[]> {
    try {
      const engine = await engineResource.acquire()
      return await embedInWindows(engine, texts, signal)
    } finally {
      engineResource.release()
    }
  }

  return { embed, close: engineResource.close }
}

const entryIfDefined = <Value>(key: string, value: Value | undefined): [string, Value][] =>
  value === undefined ? [] : [[key, value]]

async function embedInWindows(
  engine: Me5Engine,
  texts: string[],
  signal?: AbortSignal,
): Promise<Float32Array[]> {
  const sums: Float32Array[] = []
  const windows = texts.flatMap((text, at) => windowsOf(engine, text, at))
  for (const batch of batchesOf(windows)) {
    if (signal?.aborted) throw cancellationError(signal)
    const vectors = await engine.run(batch.map(({ ids }) => ids))
    for (const [at, { text, ids }] of batch.entries())
      sums[text] = addWeighted(sums[text], vectors[at]!, ids.length - 2)
  }
  return sums.map(toUnitLength)
}

/** Each window counts by its length. */
const addWeighted = (sum: Float32Array | undefined, vector: Float32Array, weight: number): Float32Array =>
  vector.map((value, i) => (sum?.[i] ?? 0) + value * weight)

/** A text longer than the model's input is cut into windows. */
function windowsOf({ tokenizer }: Me5Engine, text: string, at: number): TextWindow[] {
  const content = tokenizer.encodeContent(text)
  const [first, last] = tokenizer.boundaryIds
  const size = MAX_TOKENS - 2
  const count = Math.max(1, Math.ceil(content.length / size))
  return Array.from({ length: count }, (_, i) => ({
    text: at,
    ids: [first, ...content.slice(i * size, (i + 1) * size), last],
  }))
}

/** Windows of similar length share a batch, so that little of the batch is padding. */
function batchesOf(windows: TextWindow[]): TextWindow[][] {
  const batches: TextWindow[][] = []
  for (const window of windows.toSorted((a, b) => a.ids.length - b.ids.length)) {
    const batch = batches.at(-1)
    const fits = batch && batch.length < BATCH_TEXTS && (batch.length + 1) * window.ids.length <= BATCH_TOKENS
    if (fits) batch.push(window)
    else batches.push([window])
  }
  return batches
}

function toUnitLength(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector) || 1
  return vector.map(value => value / length)
}
