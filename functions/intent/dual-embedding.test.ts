import { expect, it } from 'vitest'
import type { EmbeddingKind } from '#shared/models/models.ts'
import { dualEmbedding } from './dual-embedding.ts'

/** A fake model with one direction for each kind of embedding. `twofold`: whether the two directions differ. */
function fakeModel(twofold: boolean) {
  const asked: EmbeddingKind[] = []
  const embed = async (texts: readonly string[], kind: EmbeddingKind) => {
    asked.push(kind)
    const vector = kind === 'passage' && twofold ? [0, 1] : [1, 0]
    return { model: 'm', vectors: texts.map(() => Float32Array.from(vector)) }
  }
  return { asked, embed: dualEmbedding({ embed }) }
}

it('is the mean of a text as a question and as what is kept, of length 1', async () => {
  const { embed } = fakeModel(true)
  const vectors = await embed(['a', 'b'])
  expect(vectors.map(vector => [...vector])).toEqual([
    [Math.fround(Math.SQRT1_2), Math.fround(Math.SQRT1_2)],
    [Math.fround(Math.SQRT1_2), Math.fround(Math.SQRT1_2)],
  ])
})

it('asks a model that makes no difference once, after the first time', async () => {
  const { embed, asked } = fakeModel(false)
  await embed([])
  for (let n = 0; n < 3; n++) expect(await embed(['a'])).toEqual([Float32Array.of(1, 0)])
  expect(asked).toEqual(['query', 'passage', 'query', 'passage', 'query', 'query'])
})
