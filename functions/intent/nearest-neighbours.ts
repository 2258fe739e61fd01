/** The similarity of a vector to the nearest examples of each class: the mean of the `COUNT` highest cosines. */
export type NeighbourScorer = (vector: Float32Array) => Float32Array

const NEIGHBOUR_COUNT = 3

export function createNeighbourScorer(
  vectors: readonly Float32Array[],
  targets: readonly number[],
  classes: number,
): NeighbourScorer {
  const size = vectors[0]?.length ?? 0
  // One contiguous array, because every text reads all of it.
  const all = new Float32Array(vectors.length * size)
  for (const [at, vector] of vectors.entries()) all.set(vector, at * size)
  return vector => {
    const best = new Float32Array(classes * NEIGHBOUR_COUNT).fill(-1)
    for (let row = 0; row < targets.length; row++) {
      let cosine = 0
      for (let i = 0, at = row * size; i < size; i++, at++) cosine += all[at]! * vector[i]!
      insertDescending(best, targets[row]! * NEIGHBOUR_COUNT, cosine)
    }
    return Float32Array.from({ length: classes }, (_, target) => meanCosine(best, target * NEIGHBOUR_COUNT))
  }
}

/** Keeps the highest of a class in descending order. */
function insertDescending(best: Float32Array, from: number, cosine: number): void {
  let at = from + NEIGHBOUR_COUNT - 1
  if (cosine <= best[at]!) return
  for (; at > from && best[at - 1]! < cosine; at--) best[at] = best[at - 1]!
  best[at] = cosine
}

/** A class with fewer examples uses all of them. */
function meanCosine(best: Float32Array, from: number): number {
  const found = best.subarray(from, from + NEIGHBOUR_COUNT).filter(value => value > -1)
  return found.length === 0 ? -1 : found.reduce((sum, value) => sum + value, 0) / found.length
}
