/** A symmetric matrix as its lower half, as a Mahalanobis distance needs it. */
export type Matrix = Float64Array[]

/** The sum of the outer products of vectors with themselves: their covariance, except for its scale. */
export function createScatter(size: number) {
  const sums: Matrix = Array.from({ length: size }, (_, i) => new Float64Array(i + 1))
  return {
    add(vector: Float32Array): void {
      for (let i = 0; i < size; i++) {
        const row = sums[i]!
        const value = vector[i]!
        for (let j = 0; j <= i; j++) row[j]! += value * vector[j]!
      }
    },
    /** The matrix, scaled to an average of 1 on the diagonal. */
    scaled(): Matrix {
      const trace = sums.reduce((sum, row, i) => sum + row[i]!, 0)
      return sums.map(row => row.map(value => (value * size) / (trace || 1)))
    },
  }
}

/** 1 + factor * matrix */
export const addIdentity = (matrix: Matrix, factor: number): Matrix =>
  matrix.map((row, i) => row.map((value, j) => factor * value + (i === j ? 1 : 0)))

/** The lower triangular L with L L' = matrix. Reads only the matrix's lower half. */
export function cholesky(matrix: Matrix): Matrix {
  const lower: Matrix = matrix.map(row => new Float64Array(row.length))
  for (let i = 0; i < matrix.length; i++)
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i]![j]!
      for (let k = 0; k < j; k++) sum -= lower[i]![k]! * lower[j]![k]!
      lower[i]![j] = i === j ? Math.sqrt(sum) : sum / lower[j]![j]!
    }
  return lower
}

export function solveLower(lower: Matrix, vector: Float32Array): Float32Array {
  const solved = new Float32Array(vector.length)
  for (let i = 0; i < vector.length; i++) {
    const row = lower[i]!
    let sum = vector[i]!
    for (let j = 0; j < i; j++) sum -= row[j]! * solved[j]!
    solved[i] = sum / row[i]!
  }
  return solved
}

/** Solves L' x = vector with the transposed matrix. */
export function solveUpper(lower: Matrix, vector: Float32Array): Float32Array {
  const solved = new Float32Array(vector.length)
  for (let i = vector.length - 1; i >= 0; i--) {
    let sum = vector[i]!
    for (let j = i + 1; j < vector.length; j++) sum -= lower[j]![i]! * solved[j]!
    solved[i] = sum / lower[i]![i]!
  }
  return solved
}
