import type { Language } from '#shared/contract/events/event-types.ts'
import { detectLanguage } from '#shared/language/detection.ts'
import { addIdentity, cholesky, createScatter, solveLower } from './matrix.ts'
import { translationPairs } from './parallel-sentences.ts'

/** Maps the embedding of a text to a vector of length 1 without the text's language. */
export type Projection = (text: string, embedding: Float32Array) => Float32Array

export type Embed = (texts: readonly string[]) => Promise<Float32Array[]>

/**
 * The reduced weight of a direction in which translations differ. Chosen on CLINC150's validation split and a Chinese
 * one.
 */
const PROJECTION_REGULARISATION = 0.4

/** The pairs' embeddings, English and Chinese. */
export type TranslationEmbeddings = Record<Language, Float32Array[]>

export async function embedTranslations(embed: Embed): Promise<TranslationEmbeddings> {
  return {
    en: await embed(translationPairs.map(([english]) => english)),
    zh: await embed(translationPairs.map(([, zh]) => zh)),
  }
}

/**
 * Cosines of sentence embeddings lie in a narrow band, and each language has its own region. So the mean of its
 * language is subtracted from each vector, and the mean of the examples. Then directions in which a sentence and its
 * translation differ count less, by (1 + EVENNESS * C)^-1 for the covariance C of these differences (a Mahalanobis
 * distance).
 */
export function fitProjection(
  pairs: TranslationEmbeddings,
  examples: readonly { text: string; embedding: Float32Array }[],
): Projection {
  const means = { en: meanVector(pairs.en), zh: meanVector(pairs.zh) }
  const shift = meanVector(
    examples.map(({ text, embedding }) => subtractVectors(embedding, means[detectLanguage(text)])),
  )
  const centres = { en: addVectors(means.en, shift), zh: addVectors(means.zh, shift) }
  const scatter = createScatter(means.en.length)
  for (const delta of computeTranslationDeltas(pairs))
    scatter.add(subtractVectors(delta, subtractVectors(means.zh, means.en)))
  // 1 + EVENNESS * C, where C is scaled to an average variance of 1.
  const lower = cholesky(addIdentity(scatter.scaled(), PROJECTION_REGULARISATION))
  return (text, embedding) =>
    toUnitLength(solveLower(lower, subtractVectors(embedding, centres[detectLanguage(text)])))
}

/** The difference between a sentence and its translation. */
export const computeTranslationDeltas = ({ en, zh }: TranslationEmbeddings): Float32Array[] =>
  en.map((english, at) => subtractVectors(zh[at]!, english))

function meanVector(vectors: readonly Float32Array[]): Float32Array {
  const sum = new Float64Array(vectors[0]?.length ?? 0)
  for (const vector of vectors) for (let i = 0; i < sum.length; i++) sum[i]! += vector[i]!
  return Float32Array.from(sum, value => value / vectors.length)
}

const subtractVectors = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, i) => value - b[i]!)
export const addVectors = (a: Float32Array, b: Float32Array): Float32Array =>
  a.map((value, i) => value + b[i]!)

export function toUnitLength(vector: Float32Array): Float32Array {
  let squares = 0
  for (const value of vector) squares += value * value
  const length = Math.sqrt(squares) || 1
  return vector.map(value => value / length)
}
