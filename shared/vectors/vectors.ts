import { LaresError } from '../base/errors.ts'

/**
 * Vectors of what people said, found by their meaning. Drivers: `sqlite` (embedded), `qdrant`.
 *
 * Guarantees of every driver: what a call has resolved is found by the next one and survives kill -9 (`sqlite`: also power
 * loss); a search sees one person's vectors and never another's; vectors of two models are never compared. What differs:
 * `sqlite` compares with every vector of the person and so misses none; `qdrant` may, of people with very many.
 * Errors of all calls: `unavailable`; `invalid_request` for a vector that is not of the model's size, or has no direction.
 */
export type Vectors = {
  /** The vectors that this model made. A new model's begin empty, beside those of the one before. */
  index(model: EmbeddingModel): Promise<VectorIndex>
  /** The models that vectors are kept of. */
  models(): Promise<EmbeddingModel[]>
  /** Removes all vectors that a model made. */
  drop(model: EmbeddingModel): Promise<void>
  /** Removes all of a person's vectors, whichever model made them; gives back how many there were. */
  erase(person: string): Promise<number>
  check(): Promise<void>
  close(): Promise<void>
}

/** `id` names the model and all that changes its vectors. */
export type EmbeddingModel = { id: string; dimensions: number }

export type VectorEntry = { person: string; id: string; values: Float32Array }

export type VectorIndex = {
  /** Adds or replaces. */
  upsert(entries: VectorEntry[]): Promise<void>
  /** The nearest of this person's, best first; `score` is the cosine, from -1 to 1. */
  search(query: {
    person: string
    values: Float32Array
    limit: number
  }): Promise<{ id: string; score: number }[]>
  /** A person's, in no order that means anything; their length may be another than what it was. */
  read(person: string): AsyncIterable<VectorEntry>
  delete(person: string, ids: string[]): Promise<void>
  count(person?: string): Promise<number>
}

export function requireValidVector(values: Float32Array, { id, dimensions }: EmbeddingModel): void {
  if (values.length !== dimensions)
    throw new LaresError(
      'invalid_request',
      `a vector of ${id} has ${dimensions} numbers, not ${values.length}`,
    )
  const square = values.reduce((sum, value) => sum + value * value, 0)
  if (!Number.isFinite(square) || square === 0)
    throw new LaresError('invalid_request', 'a vector is made of finite numbers that are not all 0')
}
