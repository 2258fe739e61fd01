import { detectLanguage } from '#shared/language/detection.ts'
import { packFor, packs } from '#shared/language/packs.ts'
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

/**
 * The pairs' embeddings, English and Chinese. For each other language, the shift of its general sentences from the
 * English ones.
 */
export type TranslationEmbeddings = {
  en: Float32Array[]
  zh: Float32Array[]
  shifts?: ReadonlyMap<string, Float32Array>
}

export async function embedTranslations(embed: Embed): Promise<TranslationEmbeddings> {
  return {
    en: await embed(translationPairs.map(([english]) => english)),
    zh: await embed(translationPairs.map(([, zh]) => zh)),
    shifts: await embedShifts(embed),
  }
}

/** The shift of each language without pairs: its general sentences compared with the English ones. */
async function embedShifts(embed: Embed): Promise<ReadonlyMap<string, Float32Array>> {
  const [english] = packs
  const others = packs.filter(({ tag }) => tag !== 'en' && tag !== 'zh')
  if (others.length === 0) return new Map()
  const origin = meanVector(await embed(english.generalSentences))
  const shifts = new Map<string, Float32Array>()
  for (const { tag, generalSentences } of others)
    shifts.set(tag, subtractVectors(meanVector(await embed(generalSentences)), origin))
  return shifts
}

/**
 * Cosines of sentence embeddings lie in a narrow band, and each language has its own region. The projection therefore
 * subtracts the mean of a vector's language and the mean of the examples. It then reduces directions in which a
 * sentence and its translation differ, by (1 + R * C)^-1. R is PROJECTION_REGULARISATION, C the covariance of these
 * differences (a Mahalanobis distance).
 */
export function fitProjection(
  pairs: TranslationEmbeddings,
  examples: readonly { text: string; embedding: Float32Array }[],
): Projection {
  const english = meanVector(pairs.en)
  const means = new Map([
    ['en', english],
    ['zh', meanVector(pairs.zh)],
    ...[...(pairs.shifts ?? [])].map(([tag, shift]) => [tag, addVectors(english, shift)] as const),
  ])
  const meanOf = (text: string): Float32Array => means.get(packFor(detectLanguage(text)).tag) ?? english
  const shift = meanVector(examples.map(({ text, embedding }) => subtractVectors(embedding, meanOf(text))))
  const scatter = createScatter(english.length)
  for (const delta of computeTranslationDeltas(pairs))
    scatter.add(subtractVectors(delta, subtractVectors(means.get('zh')!, english)))
  // 1 + PROJECTION_REGULARISATION * C, where C is scaled to an average variance of 1.
  const lower = cholesky(addIdentity(scatter.scaled(), PROJECTION_REGULARISATION))
  return (text, embedding) =>
    toUnitLength(solveLower(lower, subtractVectors(embedding, addVectors(meanOf(text), shift))))
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
