import type { Embedder } from '#shared/models/models.ts'
import { type Embed, plus, toLengthOne } from './projection.ts'

/**
 * A text seen both as a question and as a text that is kept: the mean of the two vectors that a model makes of it, which
 * err differently. Of Chinese that no example is in it gets more right than either. A model that makes no difference
 * between the two, as a server's, is asked once.
 */
export function bothViews(models: Pick<Embedder, 'embed'>): Embed {
  let isTwofold: boolean | undefined
  const vectorsOf = async (texts: readonly string[], kind: 'query' | 'passage') =>
    (await models.embed(texts, kind)).vectors
  return async texts => {
    const asked = await vectorsOf(texts, 'query')
    if (isTwofold === false) return asked
    const kept = await vectorsOf(texts, 'passage')
    if (asked[0] && kept[0]) isTwofold ??= !isSame(asked[0], kept[0])
    return asked.map((vector, at) => toLengthOne(plus(vector, kept[at]!)))
  }
}

const isSame = (a: Float32Array, b: Float32Array): boolean =>
  a.every((value, i) => Math.abs(value - b[i]!) < 1e-6)
