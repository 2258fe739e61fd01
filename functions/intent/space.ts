import type { Language } from '../../shared/events/types.ts'
import { languageOf } from '../../shared/language.ts'
import { parallel } from './parallel.ts'

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
  const lower = cholesky(evenness(pairs, means))
  return (text, embedding) => toLengthOne(solveLower(lower, minus(embedding, centres[languageOf(text)])))
}

type Matrix = Float64Array[]

/** 1 + EVENNESS * C, where C is scaled to an average variance of 1. */
function evenness(pairs: Pairs, means: Record<Language, Float32Array>): Matrix {
  const size = means.en.length
  const sums: Matrix = Array.from({ length: size }, () => new Float64Array(size))
  let trace = 0
  for (const [at, english] of pairs.en.entries()) {
    const apart = minus(minus(pairs.zh[at]!, means.zh), minus(english, means.en))
    for (let i = 0; i < size; i++) {
      trace += apart[i]! ** 2
      for (let j = 0; j <= i; j++) sums[i]![j]! += apart[i]! * apart[j]!
    }
  }
  const scale = (EVENNESS * size) / (trace || 1)
  return sums.map((row, i) => row.map((value, j) => value * scale + (i === j ? 1 : 0)))
}

/** The lower triangular L with L L' = matrix, of which the lower half is read. */
function cholesky(matrix: Matrix): Matrix {
  const lower: Matrix = matrix.map(row => new Float64Array(row.length))
  for (let i = 0; i < matrix.length; i++)
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i]![j]!
      for (let k = 0; k < j; k++) sum -= lower[i]![k]! * lower[j]![k]!
      lower[i]![j] = i === j ? Math.sqrt(sum) : sum / lower[j]![j]!
    }
  return lower
}

function solveLower(lower: Matrix, vector: Float32Array): Float32Array {
  const solved = new Float32Array(vector.length)
  for (let i = 0; i < vector.length; i++) {
    const row = lower[i]!
    let sum = vector[i]!
    for (let j = 0; j < i; j++) sum -= row[j]! * solved[j]!
    solved[i] = sum / row[i]!
  }
  return solved
}

function meanOf(vectors: readonly Float32Array[]): Float32Array {
  const sum = new Float64Array(vectors[0]?.length ?? 0)
  for (const vector of vectors) for (let i = 0; i < sum.length; i++) sum[i]! += vector[i]!
  return Float32Array.from(sum, value => value / vectors.length)
}

const minus = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, i) => value - b[i]!)
const plus = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, i) => value + b[i]!)

function toLengthOne(vector: Float32Array): Float32Array {
  let squares = 0
  for (const value of vector) squares += value * value
  const length = Math.sqrt(squares) || 1
  return vector.map(value => value / length)
}
