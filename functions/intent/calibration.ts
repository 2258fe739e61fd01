/** A classifier's verdict on a text with a known skill. */
export type ScoredExample = { confidence: number; isNone: boolean; isRight: boolean }

/** The cost of missing a found skill, relative to the cost of inventing one. */
const MISS_COST = 5

/**
 * The confidence threshold with the least cost. The cost is the share of right skills that it misses, and the share of
 * out-of-scope texts that it accepts. 0 without outcomes.
 */
export function chooseThreshold(outcomes: readonly ScoredExample[]): number {
  const right = sortedConfidences(outcomes.filter(({ isNone, isRight }) => !isNone && isRight))
  const none = sortedConfidences(outcomes.filter(({ isNone }) => isNone))
  const every = sortedConfidences(outcomes)
  if (every.length === 0) return 0
  const candidates = [every[0]! - 1, ...every].map((low, i) => (low + (every[i] ?? low + 2)) / 2)
  const costs = candidates.map(
    cut =>
      (MISS_COST * countBelow(right, cut)) / (right.length || 1) +
      1 -
      countBelow(none, cut) / (none.length || 1),
  )
  const least = Math.min(...costs)
  // The middle of the best candidates, which is farthest from both kinds.
  const best = candidates.filter((_, i) => costs[i]! <= least + 1e-9)
  return best[Math.floor(best.length / 2)]!
}

const sortedConfidences = (outcomes: readonly ScoredExample[]): number[] =>
  outcomes.map(({ confidence }) => confidence).sort((a, b) => a - b)

/** The number of ascending values below a cut. */
function countBelow(values: readonly number[], threshold: number): number {
  let from = 0
  let to = values.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (values[middle]! < threshold) from = middle + 1
    else to = middle
  }
  return from
}

export type ConfidenceScale = (confidence: number) => number

/** Maps confidences of one language to those of another, when both come from the same sentences. */
export function fitConfidenceScale(from: readonly number[], to: readonly number[]): ConfidenceScale {
  const [a, b] = [meanAndDeviation(from), meanAndDeviation(to)]
  return confidence => b.mean + (confidence - a.mean) * (b.deviation / (a.deviation || 1))
}

function meanAndDeviation(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / (values.length || 1)
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, deviation: Math.sqrt(squares / (values.length || 1)) }
}
