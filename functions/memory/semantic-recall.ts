import { toLaresError } from '#shared/base/errors.ts'
import type { Log } from '#shared/base/log.ts'
import { forgetVectors } from '#shared/knowledge/memories.ts'
import { type Entry, followMemories } from '#shared/knowledge/memory-vectors.ts'
import type { Embedder } from '#shared/models/models.ts'
import type { Space, Vectors } from '#shared/vectors/vectors.ts'

export type Tools = { models: Embedder; vectors: Vectors; log: Log; signal: AbortSignal; now(): number }

/** How long to leave the embeddings alone after they failed. */
const RETRY_MS = 60_000
/** Another process may have remembered something meanwhile. */
const FRESH_MS = 60_000
/** More than these are embedded behind the answer, over several messages. */
const MOST_AT_ONCE = 64
const MOST_NEAR = 3
/**
 * Cosines of multilingual-e5-small for a question about oneself and a memory. Of 18 memories and 20 such questions in
 * English and Chinese the right memory came first for 17 and among the first three for 19, at 0.81 and above; what is
 * nearly as near as the best is taken with it.
 */
const LEAST_SCORE = 0.8
const NEARLY = 0.03

/** One for each store of vectors: what is known of it ends with it. */
const meanings = new WeakMap<Vectors, ReturnType<typeof openMeaning>>()
export const meaningIn = (vectors: Vectors) => {
  const known = meanings.get(vectors) ?? openMeaning(vectors)
  meanings.set(vectors, known)
  return known
}

/**
 * Finds memories by their meaning. The documents are what is kept; the vectors follow from them, so a model that is new,
 * a crash between the two, or memories from before there were vectors are made up for person by person, as they are asked
 * for. Until the embeddings are there (at first they have to be fetched) nothing is found, and nobody waits for them.
 */
export function openMeaning(vectors: Vectors) {
  let space: Space | undefined
  let beginning = false
  let retryAt = 0
  const fresh = new Map<string, number>()
  /** By person, something new for each change. */
  const changes = new Map<string, object>()

  const failed = (error: unknown, { log, now }: Tools) => {
    const { retryable } = toLaresError(error)
    retryAt = retryable ? now() + RETRY_MS : Number.POSITIVE_INFINITY
    if (retryable) log.warn({ err: error }, 'no embeddings: memories are found by their words alone')
  }
  const begin = async (tools: Tools): Promise<void> => {
    beginning = true
    try {
      const { model: id, vectors: sample } = await tools.models.embed(['what do I like?'], 'query')
      space = await vectors.space({ id, dimensions: sample[0]!.length })
      fresh.clear()
    } catch (error) {
      failed(error, tools)
    }
    beginning = false
  }
  /** Makes the vectors of a person those of their memories. */
  const follow = async (
    person: string,
    read: () => Promise<Entry[]>,
    to: Space,
    { models, signal, now }: Tools,
  ) => {
    if ((fresh.get(person) ?? Number.NEGATIVE_INFINITY) > now() - FRESH_MS) return
    const change = changes.get(person)
    const embed = async (texts: string[]) => (await models.embed(texts, 'passage', signal)).vectors
    const { left } = await followMemories({ space: to, person, read, embed, most: MOST_AT_ONCE })
    if (left === 0 && changes.get(person) === change) fresh.set(person, now())
  }

  return {
    /** Ids of this person's memories that a text may be about, the nearest first. `entries` gives all that there are. */
    async nearest(
      person: string,
      text: string,
      entries: () => Promise<Entry[]>,
      tools: Tools,
    ): Promise<string[]> {
      if (!space) {
        if (!beginning && tools.now() >= retryAt) void begin(tools)
        return []
      }
      try {
        await follow(person, entries, space, tools)
        const asked = await tools.models.embed([text], 'query', tools.signal)
        const found = await space.search({ person, values: asked.vectors[0]!, limit: MOST_NEAR })
        const least = Math.max(LEAST_SCORE, (found[0]?.score ?? 0) - NEARLY)
        return found.filter(({ score }) => score >= least).map(({ id }) => id)
      } catch (error) {
        if (tools.signal.aborted) throw error
        space = undefined
        failed(error, tools)
        return []
      }
    },
    /** What was forgotten has no vector left, whichever model made it; what is new gets one when it is looked for. */
    async changed(person: string, forgotten: string[]): Promise<void> {
      fresh.delete(person)
      changes.set(person, {})
      await forgetVectors(vectors, person, forgotten)
    },
  }
}
