import type { Embedder } from '#shared/models/models.ts'
import { addVectors, type Embed, toUnitLength } from './projection.ts'

/**
 * A text embedded as a query and as a passage: the mean of the two vectors, which make different mistakes. The mean
 * classifies more Chinese texts without examples correctly than either vector. A model without this distinction, such
 * as a server's, gets one request.
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
