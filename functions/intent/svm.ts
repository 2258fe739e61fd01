/**
 * Linear support vector machines, one for each class against all others (L2 loss), by dual coordinate descent with
 * shrinking: Hsieh et al., "A Dual Coordinate Descent Method for Large-scale Linear SVM", 2008. Examples are visited in
 * a fixed order, so the same examples give the same machines.
 */
export type Sample = {
  /** Values of the first features. */
  dense: Float32Array
  /** Indices and values of further features, most of them zero. */
  at: Int32Array
  value: Float32Array
}

export type LinearSvms = {
  /** A sample's margin for each class: above 1 is a sure member, below -1 surely none. */
  scores(sample: Sample): Float32Array
}

export type SvmOptions = {
  classes: number
  /** The number of sparse features. */
  sparse: number
  /** The cost of a sample on the wrong side. */
  cost: number
}

const MAX_EPOCHS = 30
const TOLERANCE = 0.1
const MAX_CONTENDERS = 3_000
/** The squared length of the mean of vectors of length 1 that have little in common. */
const MIN_CENTROID_LENGTH_SQUARED = 0.1

/** Learning yields to other work after each class. */
export async function trainSvms(
  samples: readonly Sample[],
  targets: readonly number[],
  { classes, sparse, cost }: SvmOptions,
): Promise<LinearSvms> {
  const size = samples[0]?.dense.length ?? 0
  const svms: SvmWeights[] = []
  for (let target = 0; target < classes; target++) {
    const contenders = selectContenders(samples, targets, target)
    const chosen = contenders.map(i => samples[i]!)
    const signs = Int8Array.from(contenders, i => (targets[i] === target ? 1 : -1))
    svms.push(trainSvm(chosen, signs, new Float32Array(size + sparse + 1), cost))
    await new Promise(setImmediate)
  }
  return {
    scores: sample => Float32Array.from(svms, weights => decisionValue(weights, sample)),
  }
}

/**
 * With very many examples, the ones that an SVM has to separate: its class, and the others nearest to its centroid. The
 * rest never comes near the margin. The SVM of a class without a centroid uses all examples.
 */
function selectContenders(samples: readonly Sample[], targets: readonly number[], target: number): number[] {
  const all = samples.map((_, i) => i)
  if (samples.length <= MAX_CONTENDERS) return all
  const own = all.filter(i => targets[i] === target)
  const centroid = new Float32Array(samples[0]!.dense.length)
  for (const i of own)
    for (let at = 0; at < centroid.length; at++) centroid[at]! += samples[i]!.dense[at]! / own.length
  const cosines = Float32Array.from(samples, ({ dense }) => dotProduct(centroid, dense))
  if (dotProduct(centroid, centroid) < MIN_CENTROID_LENGTH_SQUARED) return all
  const others = all.filter(i => targets[i] !== target).sort((a, b) => cosines[b]! - cosines[a]!)
  return [...own, ...others.slice(0, MAX_CONTENDERS - own.length)]
}

function dotProduct(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** Weights of the dense features, of the sparse ones, and last the bias. */
type SvmWeights = Float32Array

function trainSvm(
  samples: readonly Sample[],
  signs: Int8Array,
  weights: SvmWeights,
  cost: number,
): SvmWeights {
  const squares = Float64Array.from(samples, sample => lengthSquared(sample) + 1)
  const alphas = new Float64Array(samples.length)
  const order = shuffledIndices(samples.length)
  const ridge = 1 / (2 * cost)
  let active = samples.length
  let shrinkingBound = Number.POSITIVE_INFINITY
  for (let epoch = 0; epoch < MAX_EPOCHS; epoch++) {
    let highest = Number.NEGATIVE_INFINITY
    let lowest = Number.POSITIVE_INFINITY
    for (let turn = 0; turn < active; turn++) {
      const i = order[turn]!
      const sign = signs[i]!
      const gradient = sign * decisionValue(weights, samples[i]!) - 1 + alphas[i]! * ridge
      let projected = gradient
      if (alphas[i] === 0) {
        if (gradient > shrinkingBound) {
          active--
          order[turn] = order[active]!
          order[active] = i
          turn--
          continue
        }
        projected = Math.min(gradient, 0)
      }
      highest = Math.max(highest, projected)
      lowest = Math.min(lowest, projected)
      if (Math.abs(projected) < 1e-12) continue
      const before = alphas[i]!
      alphas[i] = Math.max(before - gradient / (squares[i]! + ridge), 0)
      addScaled(weights, samples[i]!, (alphas[i]! - before) * sign)
    }
    if (highest - lowest <= TOLERANCE) {
      if (active === samples.length) break
      // Checks the samples that shrinking left out again.
      active = samples.length
      shrinkingBound = Number.POSITIVE_INFINITY
    } else shrinkingBound = highest > 0 ? highest : Number.POSITIVE_INFINITY
  }
  return weights
}

function decisionValue(weights: SvmWeights, { dense, at, value }: Sample): number {
  const size = dense.length
  let sum = weights[weights.length - 1]!
  for (let i = 0; i < size; i++) sum += weights[i]! * dense[i]!
  for (let i = 0; i < at.length; i++) sum += weights[size + at[i]!]! * value[i]!
  return sum
}

function addScaled(weights: SvmWeights, { dense, at, value }: Sample, by: number): void {
  const size = dense.length
  for (let i = 0; i < size; i++) weights[i]! += by * dense[i]!
  for (let i = 0; i < at.length; i++) weights[size + at[i]!]! += by * value[i]!
  weights[weights.length - 1]! += by
}

function lengthSquared({ dense, value }: Sample): number {
  let sum = 0
  for (const each of dense) sum += each * each
  for (const each of value) sum += each * each
  return sum
}

/** Every number below `count`, in an order that is always the same (from a linear congruential generator). */
function shuffledIndices(count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i)
  let state = 1
  for (let i = count - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const j = Math.floor((state / 2 ** 32) * (i + 1))
    const kept = order[i]!
    order[i] = order[j]!
    order[j] = kept
  }
  return order
}
