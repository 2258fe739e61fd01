import { toLaresError } from '#shared/base/errors.ts'
import type { Logger } from '#shared/base/log.ts'
import { deleteVectors } from '#shared/knowledge/memories.ts'
import { type EmbeddableText, syncMemoryVectors } from '#shared/knowledge/memory-vectors.ts'
import type { Embedder } from '#shared/models/models.ts'
import type { VectorIndex, Vectors } from '#shared/vectors/vectors.ts'

export type SemanticIndexDependencies = {
  models: Embedder
  vectors: Vectors
  log: Logger
  signal: AbortSignal
  now(): number
}

/** The pause in embedding requests after a failure. */
const EMBEDDING_RETRY_MS = 60_000
/** The interval between updates of a person's vectors, because another process may have saved memories. */
const SYNC_INTERVAL_MS = 60_000
/** The most memories embedded before an answer. Later messages embed the others. */
const MAX_EMBEDDED_PER_SYNC = 64
const MAX_NEAREST = 3
/**
 * The least cosine for a question about oneself and a memory, with multilingual-e5-small. Measured with 18 memories
 * and 20 such questions in English and Chinese. The right memory came first for 17 and among the first three for 19, at
 * 0.81 and above. Memories within `SCORE_TOLERANCE` of the best are taken with it.
 */
const MIN_SCORE = 0.8
const SCORE_TOLERANCE = 0.03

export type SemanticIndex = ReturnType<typeof openSemanticIndex>

/**
 * Finds memories by their meaning. The records are the source; the vectors follow from them. Each person's search adds
 * their missing vectors: after a change of the model, after a crash between the two, and for memories older than the
 * vectors. Until the embeddings are ready (at first the model is downloaded) the index finds nothing, and no caller
 * waits.
 */
export function openSemanticIndex(vectors: Vectors) {
  let space: VectorIndex | undefined
  let isInitialising = false
  let retryAt = 0
  const syncedAt = new Map<string, number>()
  /** A new object for each change, by person. */
  const changeMarkers = new Map<string, object>()

  const onEmbeddingFailure = (error: unknown, { log, now }: SemanticIndexDependencies) => {
    const { retryable } = toLaresError(error)
    retryAt = retryable ? now() + EMBEDDING_RETRY_MS : Number.POSITIVE_INFINITY
    if (retryable) log.warn({ err: error }, 'no embeddings: memories are found by their words alone')
  }
  const initialise = async (tools: SemanticIndexDependencies): Promise<void> => {
    isInitialising = true
    try {
      const { model: id, vectors: sample } = await tools.models.embed(['what do I like?'], 'query')
      space = await vectors.index({ id, dimensions: sample[0]!.length })
      syncedAt.clear()
    } catch (error) {
      onEmbeddingFailure(error, tools)
    }
    isInitialising = false
  }
  /** Updates the vectors of a person to match their memories. */
  const syncVectors = async (
    person: string,
    read: () => Promise<EmbeddableText[]>,
    to: VectorIndex,
    { models, signal, now }: SemanticIndexDependencies,
  ) => {
    if ((syncedAt.get(person) ?? Number.NEGATIVE_INFINITY) > now() - SYNC_INTERVAL_MS) return
    const changeMarker = changeMarkers.get(person)
    const embed = async (texts: string[]) => (await models.embed(texts, 'passage', signal)).vectors
    const { left } = await syncMemoryVectors({
      space: to,
      person,
      read,
      embed,
      maxEmbedded: MAX_EMBEDDED_PER_SYNC,
    })
    if (left === 0 && changeMarkers.get(person) === changeMarker) syncedAt.set(person, now())
  }

  return {
    /** Ids of this person's memories that a text may be about, the nearest first. `entries` returns all memories. */
    async nearest(
      person: string,
      text: string,
      entries: () => Promise<EmbeddableText[]>,
      tools: SemanticIndexDependencies,
    ): Promise<string[]> {
      if (!space) {
        if (!isInitialising && tools.now() >= retryAt) void initialise(tools)
        return []
      }
      try {
        await syncVectors(person, entries, space, tools)
        const embedded = await tools.models.embed([text], 'query', tools.signal)
        const found = await space.search({ person, values: embedded.vectors[0]!, limit: MAX_NEAREST })
        const minScore = Math.max(MIN_SCORE, (found[0]?.score ?? 0) - SCORE_TOLERANCE)
        return found.filter(({ score }) => score >= minScore).map(({ id }) => id)
      } catch (error) {
        if (tools.signal.aborted) throw error
        space = undefined
        onEmbeddingFailure(error, tools)
        return []
      }
    },
    /** Deletes the vectors of forgotten memories, of every model. New memories get their vector at the next search. */
    async changed(person: string, forgotten: string[]): Promise<void> {
      syncedAt.delete(person)
      changeMarkers.set(person, {})
      await deleteVectors(vectors, person, forgotten)
    },
  }
}
