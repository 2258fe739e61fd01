import { cancelled } from '../../base/cancellation.ts'
import { type Log, noLog } from '../../base/log.ts'
import { createRecent } from '../../base/lru-cache.ts'
import { defaultThreads } from '../llama/engine.ts'
import { createResident } from '../llama/resident-model.ts'
import type { Embedder, EmbeddingKind } from '../models.ts'
import { type Engine, loadMe5 } from './engine.ts'
import { ME5 } from './model-folder.ts'

export type Me5Options = {
  /** Where its files are; they may be fetched at the first use. */
  folder(): Promise<string>
  /** At most; never more than the machine has cores. Default 4. */
  threads?: number
  /** After this time without a request the model leaves the memory, until the next one. Default 15 minutes. */
  idleUnloadMs?: number
  /** How many vectors are kept, of 1.5 KB each. Default 2,000. */
  maxKept?: number
  log?: Log
}

/** What the model can take at once. */
const MAX_TOKENS = 512
/** A batch is this long at most, in tokens: it holds the thread for some 50 ms, and memory for each. */
const BATCH_TOKENS = 512
const BATCH_TEXTS = 32

type Piece = { text: number; ids: number[] }

/**
 * multilingual-e5-small in this process, by ONNX Runtime; both are loaded at their first use. Texts that are embedded
 * together move each other's vectors a little (cosine with the vector of one alone above 0.99), since activations are
 * quantized for the batch; one text at a time always gives the same vector. Long texts are averaged over windows.
 */
export function openMe5(options: Me5Options): Embedder {
  const { threads = defaultThreads(), idleUnloadMs = 15 * 60_000, maxKept = 2_000, log = noLog } = options
  const kept = createRecent<Float32Array>(maxKept)
  const load = async () => loadMe5({ folder: await options.folder(), threads, log })
  const resident = createResident(load, idleUnloadMs)

  async function embed(texts: readonly string[], kind: EmbeddingKind, signal?: AbortSignal) {
    const wanted = texts.map(text => `${kind}: ${text}`)
    const known = new Map(wanted.flatMap(text => pairIf(text, kept.get(text))))
    const missing = [...new Set(wanted)].filter(text => !known.has(text))
    const made = missing.length === 0 ? [] : await compute(missing, signal)
    missing.forEach((text, at) => {
      known.set(text, made[at]!)
      kept.set(text, made[at]!)
    })
    return { model: ME5, vectors: wanted.map(text => known.get(text)!) }
  }

  async function compute(texts: string[], signal?: AbortSignal): Promise<Float32Array[]> {
    try {
      const engine = await resident.acquire()
      return await vectorsOf(engine, texts, signal)
    } finally {
      resident.release()
    }
  }

  return { embed, close: resident.close }
}

const pairIf = <Value>(key: string, value: Value | undefined): [string, Value][] =>
  value === undefined ? [] : [[key, value]]

async function vectorsOf(engine: Engine, texts: string[], signal?: AbortSignal): Promise<Float32Array[]> {
  const sums: Float32Array[] = []
  const pieces = texts.flatMap((text, at) => piecesOf(engine, text, at))
  for (const batch of batchesOf(pieces)) {
    if (signal?.aborted) throw cancelled(signal)
    const vectors = await engine.run(batch.map(({ ids }) => ids))
    for (const [at, { text, ids }] of batch.entries())
      sums[text] = added(sums[text], vectors[at]!, ids.length - 2)
  }
  return sums.map(toLengthOne)
}

/** Each window counts by its length. */
const added = (sum: Float32Array | undefined, vector: Float32Array, weight: number): Float32Array =>
  vector.map((value, i) => (sum?.[i] ?? 0) + value * weight)

/** A text longer than the model takes is cut into windows. */
function piecesOf({ tokenizer }: Engine, text: string, at: number): Piece[] {
  const content = tokenizer.content(text)
  const [first, last] = tokenizer.ends
  const size = MAX_TOKENS - 2
  const count = Math.max(1, Math.ceil(content.length / size))
  return Array.from({ length: count }, (_, i) => ({
    text: at,
    ids: [first, ...content.slice(i * size, (i + 1) * size), last],
  }))
}

/** Pieces of like length go together, so that little of a batch is padding. */
function batchesOf(pieces: Piece[]): Piece[][] {
  const batches: Piece[][] = []
  for (const piece of pieces.toSorted((a, b) => a.ids.length - b.ids.length)) {
    const batch = batches.at(-1)
    const fits = batch && batch.length < BATCH_TEXTS && (batch.length + 1) * piece.ids.length <= BATCH_TOKENS
    if (fits) batch.push(piece)
    else batches.push([piece])
  }
  return batches
}

function toLengthOne(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector) || 1
  return vector.map(value => value / length)
}
