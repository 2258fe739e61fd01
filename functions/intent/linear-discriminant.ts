import { addIdentity, cholesky, createScatter, solveLower, solveUpper } from './matrix.ts'

/** The distance of a vector to each class's centroid. */
export type DiscriminantScorer = (vector: Float32Array) => Float32Array

/**
 * The weight of directions in which translations differ, beside directions in which the examples of a class differ.
 * Chosen on CLINC150's validation split and a Chinese one.
 */
const TRANSLATION_WEIGHT = 4
/** The reduced weight of a direction in which all classes are alike. */
const DISCRIMINANT_REGULARISATION = 1
/** The number of examples after which learning yields to other work. */
const BATCH_SIZE = 256

/**
 * Linear discriminant analysis: classes have different means and a common spread around them. `translationDeltas` are
 * part of that spread, so that another language does not look like another class. Scores have a spread of 1.
 */
export async function trainDiscriminant(
  vectors: readonly Float32Array[],
  targets: readonly number[],
  classes: number,
  translationDeltas: readonly Float32Array[],
): Promise<DiscriminantScorer> {
  const size = vectors[0]?.length ?? 0
  const centroids = classCentroids(vectors, targets, classes, size)
  const scatter = createScatter(size)
  const deltaWeight = Math.sqrt((TRANSLATION_WEIGHT * vectors.length) / (translationDeltas.length || 1))
  for (const vector of translationDeltas) scatter.add(vector.map(value => value * deltaWeight))
  for (const [at, vector] of vectors.entries()) {
    const middle = centroids[targets[at]!]!
    scatter.add(vector.map((value, i) => value - middle[i]!))
    if (at % BATCH_SIZE === BATCH_SIZE - 1) await new Promise(setImmediate)
  }
  const lower = cholesky(addIdentity(scatter.scaled(), DISCRIMINANT_REGULARISATION))
  const weights = centroids.map(middle => solveUpper(lower, solveLower(lower, middle)))
  const biases = weights.map((weight, at) => -0.5 * dotProduct(weight, centroids[at]!))
  const scores = (vector: Float32Array) =>
    Float32Array.from(weights, (weight, at) => dotProduct(weight, vector) + biases[at]!)
  const scale = 1 / (standardDeviation(vectors.slice(0, BATCH_SIZE * 4).map(scores)) || 1)
  return vector => scores(vector).map(score => score * scale)
}

function classCentroids(
  vectors: readonly Float32Array[],
  targets: readonly number[],
  classes: number,
  size: number,
): Float32Array[] {
  const sums = Array.from({ length: classes }, () => new Float32Array(size))
  const counts = new Float64Array(classes)
  for (const [at, vector] of vectors.entries()) {
    const sum = sums[targets[at]!]!
    counts[targets[at]!]! += 1
    for (let i = 0; i < size; i++) sum[i]! += vector[i]!
  }
  return sums.map((sum, at) => sum.map(value => value / (counts[at] || 1)))
}

function dotProduct(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

function standardDeviation(rows: readonly Float32Array[]): number {
  let [count, sum, squares] = [0, 0, 0]
  for (const row of rows)
    for (const value of row) {
      count++
      sum += value
      squares += value * value
    }
  return Math.sqrt(Math.max(0, squares / (count || 1) - (sum / (count || 1)) ** 2))
}
