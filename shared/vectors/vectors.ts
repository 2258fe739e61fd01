import { LaresError } from '../base/errors.ts'

/**
 * Vectors of what people said, found by their meaning. Drivers: `sqlite` (embedded), `qdrant`.
 *
 * Guarantees of every driver: the result of a resolved call is visible to the next call and survives kill -9 (`sqlite`:
 * also power loss). A search sees only one person's vectors. Vectors of two models are never compared. The drivers
 * differ in one point: `sqlite` compares with every vector of the person and so misses none. `qdrant` may miss some of
 * a person with very many. Errors of all calls: `unavailable`; `invalid_request` for a vector that does not have the
 * model's size, or has no direction.
 */
export type Vectors = {
  /** The vectors of this model. A new model starts without vectors, beside those of the previous one. */
  index(model: EmbeddingModel): Promise<VectorIndex>
  /** The models with stored vectors. */
  models(): Promise<EmbeddingModel[]>
  /** Removes all vectors of a model. */
  drop(model: EmbeddingModel): Promise<void>
  /** Removes all of a person's vectors, of every model; returns how many there were. */
  erase(person: string): Promise<number>
  check(): Promise<void>
  close(): Promise<void>
}

/** `id` names the model and everything that changes its vectors. */
export type EmbeddingModel = { id: string; dimensions: number }

export type VectorEntry = { person: string; id: string; values: Float32Array }

export type VectorIndex = {
  /** Adds or replaces vectors. */
  upsert(entries: VectorEntry[]): Promise<void>
  /** This person's nearest vectors, best first; `score` is the cosine, from -1 to 1. */
  search(query: {
    person: string
    values: Float32Array
    limit: number
  }): Promise<{ id: string; score: number }[]>
  /** A person's vectors, in no particular order; their lengths may differ from those written. */
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
