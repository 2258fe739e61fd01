import type { Embedder } from '#shared/models/models.ts'
import { addVectors, type Embed, toUnitLength } from './projection.ts'

/**
 * A text seen both as a question and as a text that is kept: the mean of the two vectors that a model makes of it, which
 * err differently. Of Chinese that no example is in it gets more right than either. A model that makes no difference
 * between the two, as a server's, is asked once.
 */
export function dualEmbedding(models: Pick<Embedder, 'embed'>): Embed {
  let isAsymmetric: boolean | undefined
  const vectorsOf = async (texts: readonly string[], kind: 'query' | 'passage') =>
    (await models.embed(texts, kind)).vectors
  return async texts => {
    const queryVectors = await vectorsOf(texts, 'query')
    if (isAsymmetric === false) return queryVectors
    const passageVectors = await vectorsOf(texts, 'passage')
    if (queryVectors[0] && passageVectors[0])
      isAsymmetric ??= !isSameVector(queryVectors[0], passageVectors[0])
    return queryVectors.map((vector, at) => toUnitLength(addVectors(vector, passageVectors[at]!)))
  }
}

const isSameVector = (a: Float32Array, b: Float32Array): boolean =>
  a.every((value, i) => Math.abs(value - b[i]!) < 1e-6)
