import type { Language } from '#shared/contract/events/event-types.ts'
import { languageOf } from '#shared/language/detection.ts'
import { cholesky, plusOne, solveLower, spreadOf } from './matrix.ts'
import { parallel } from './parallel-sentences.ts'

/** Takes the embedding of a text to a vector of length 1, of which the language of the text is no part. */
export type Project = (text: string, embedding: Float32Array) => Float32Array

export type Embed = (texts: readonly string[]) => Promise<Float32Array[]>

/** How much less a direction counts in which translations differ. Chosen on CLINC150's validation split and a Chinese one. */
const EVENNESS = 0.4

/** The pairs' embeddings, English and Chinese. */
export type Pairs = Record<Language, Float32Array[]>

export async function embedPairs(embed: Embed): Promise<Pairs> {
  return {
    en: await embed(parallel.map(([english]) => english)),
    zh: await embed(parallel.map(([, zh]) => zh)),
  }
}

/**
 * Cosines of sentence embeddings lie in a narrow band, and each language has a place of its own in it. So from each vector
 * the mean of its language is taken, with that of the examples; then directions in which a sentence and its translation
 * differ count less, by (1 + EVENNESS * C)^-1 for the covariance C of these differences (a Mahalanobis distance).
 */
export function openSpace(
  pairs: Pairs,
  examples: readonly { text: string; embedding: Float32Array }[],
): Project {
  const means = { en: meanOf(pairs.en), zh: meanOf(pairs.zh) }
  const shift = meanOf(examples.map(({ text, embedding }) => minus(embedding, means[languageOf(text)])))
  const centres = { en: plus(means.en, shift), zh: plus(means.zh, shift) }
  const spread = spreadOf(means.en.length)
  for (const apart of apartIn(pairs)) spread.add(minus(apart, minus(means.zh, means.en)))
  // 1 + EVENNESS * C, where C is scaled to an average variance of 1.
  const lower = cholesky(plusOne(spread.scaled(), EVENNESS))
  return (text, embedding) => toLengthOne(solveLower(lower, minus(embedding, centres[languageOf(text)])))
}

/** How a sentence and its translation differ. */
export const apartIn = ({ en, zh }: Pairs): Float32Array[] => en.map((english, at) => minus(zh[at]!, english))

function meanOf(vectors: readonly Float32Array[]): Float32Array {
  const sum = new Float64Array(vectors[0]?.length ?? 0)
  for (const vector of vectors) for (let i = 0; i < sum.length; i++) sum[i]! += vector[i]!
  return Float32Array.from(sum, value => value / vectors.length)
}

const minus = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, i) => value - b[i]!)
export const plus = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, i) => value + b[i]!)

export function toLengthOne(vector: Float32Array): Float32Array {
  let squares = 0
  for (const value of vector) squares += value * value
  const length = Math.sqrt(squares) || 1
  return vector.map(value => value / length)
}
