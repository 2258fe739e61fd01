import { toLaresError } from '#shared/base/errors.ts'
import type { Logger } from '#shared/base/log.ts'
import { passageModel, syncPassageVectors } from '#shared/knowledge/passages.ts'
import { packsReading } from '#shared/language/detection.ts'
import { packs } from '#shared/language/packs.ts'
import type { Embedder } from '#shared/models/models.ts'
import type { Records } from '#shared/store/store.ts'
import type { VectorIndex, Vectors } from '#shared/vectors/vectors.ts'

/** The pause in embedding requests after a failure. */
const EMBEDDING_RETRY_MS = 60_000

/** The mean vector of general sentences, by language. */
type BaselineVectors = ReadonlyMap<string, Float32Array>
/** The state of a process for the vectors of passages. */
export type DenseIndexState = {
  space?: VectorIndex
  ground?: BaselineVectors
  retryAt: number
  initialisation?: Promise<void>
  following: Map<string, Promise<void>>
}

export type DenseIndexDependencies = {
  records: Records
  vectors: Vectors
  models: Embedder
  log: Logger
  signal: AbortSignal
  now(): number
  state: { denseIndex: DenseIndexState }
}

export const newDenseIndexState = (): DenseIndexState => ({ retryAt: 0, following: new Map() })

function onEmbeddingFailure(
  state: DenseIndexState,
  error: unknown,
  { log, now }: DenseIndexDependencies,
): void {
  const { retryable } = toLaresError(error)
  delete state.space
  state.retryAt = retryable ? now() + EMBEDDING_RETRY_MS : Number.POSITIVE_INFINITY
  if (retryable) log.warn({ err: error }, 'no embeddings: passages are found by their words alone')
}

/**
 * Finds passages of a person that are near to a text in meaning, the nearest first. The score says how much nearer the
 * text is than general sentences in its language. The cosine alone puts any two texts of one language near each other,
 * and the right passage in the other language behind all of them. No caller waits for missing embeddings, nor for the
 * vectors of a document that was just read. A background task makes those; until then words decide.
 */
export async function searchDense(
  person: string,
  text: string,
  limit: number,
  dependencies: DenseIndexDependencies,
): Promise<{ id: string; score: number }[]> {
  const state = dependencies.state.denseIndex
  void syncVectors(person, dependencies)
  const { space, ground } = state
  if (!space || !ground) return []
  try {
    const embedded = await dependencies.models.embed([text], 'query', dependencies.signal)
    const values = subtractVectors(embedded.vectors[0]!, ground.get(packsReading(text)[0].tag)!)
    const length = Math.hypot(...values)
    if (length === 0) return []
    const found = await space.search({ person, values, limit })
    return found.map(({ id, score }) => ({ id, score: score * length }))
  } catch (error) {
    if (dependencies.signal.aborted) throw error
    onEmbeddingFailure(state, error, dependencies)
    return []
  }
}

/** Updates the vectors of a person to match their passages, in the background. One run for a person at a time. */
export function syncVectors(person: string, dependencies: DenseIndexDependencies): Promise<void> {
  const state = dependencies.state.denseIndex
  const running = state.following.get(person)
  if (running) return running
  if (dependencies.now() < state.retryAt) return Promise.resolve()
  const run = (async () => {
    try {
      await initialise(state, dependencies)
      if (state.space) await embedMissingPassages(person, state.space, dependencies)
    } catch (error) {
      onEmbeddingFailure(state, error, dependencies)
    } finally {
      state.following.delete(person)
    }
  })()
  state.following.set(person, run)
  return run
}

async function initialise(
  state: DenseIndexState,
  { models, vectors }: DenseIndexDependencies,
): Promise<void> {
  if (state.space) return
  state.initialisation ??= (async () => {
    try {
      const { model, vectors: embedded } = await models.embed(
        packs.flatMap(({ generalSentences }) => generalSentences),
        'query',
      )
      const tags = packs.flatMap(({ tag, generalSentences }) => generalSentences.map(() => tag))
      state.ground = new Map(
        packs.map(({ tag }) => [tag, meanVector(embedded.filter((_, at) => tags[at] === tag))]),
      )
      state.space = await vectors.index(passageModel({ id: model, dimensions: embedded[0]!.length }))
    } finally {
      delete state.initialisation
    }
  })()
  await state.initialisation
}

const meanVector = (all: Float32Array[]): Float32Array =>
  all[0]!.map((_, at) => all.reduce((sum, one) => sum + one[at]!, 0) / all.length)

const subtractVectors = (a: Float32Array, b: Float32Array): Float32Array =>
  a.map((value, at) => value - b[at]!)

async function embedMissingPassages(
  person: string,
  space: VectorIndex,
  { records, vectors, models }: DenseIndexDependencies,
): Promise<void> {
  const embed = async (texts: string[]) => (await models.embed(texts, 'passage')).vectors
  await syncPassageVectors({ records: records, vectors, space, person, embed })
}
