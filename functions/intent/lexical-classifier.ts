import type { Intent } from '#shared/contract/events/event-types.ts'
import type { Example } from './classifier.ts'
import { extractFeatures } from './features.ts'

/** Finds the skill that a text asks for, or none. */
export type LexicalClassifier = (text: string) => Intent

type Vector = { at: Int32Array; weight: Float64Array }
type Encoder = { size: number; encode(text: string): Vector }

const EPOCHS = 40
const LEARNING_RATE = 2
/** The least probability of a skill. Chosen on the development set; skills below it are still the model's tools. */
const THRESHOLD = 0.35
/**
 * The limits for an ambiguous text. The second skill has at least probability `likely`, and the first has less than
 * `apart` more. Then only the person can tell which one they mean.
 */
const AMBIGUITY_LIMITS = { likely: 0.3, apart: 0.3 }
/** A text with a smaller share of known features resembles no example. */
const MIN_KNOWN_SHARE = 0.12

/**
 * Classifies by words alone while there are no embeddings: multinomial logistic regression over TF-IDF features.
 * Learning 300 examples takes some 30 ms; a text takes well under 1 ms.
 */
export function trainLexicalClassifier(examples: readonly Example[]): LexicalClassifier {
  const encoder = fitLexicalEncoder(examples)
  const classes = [...new Set(examples.map(example => example.skill))]
  const weights = trainWeights(
    examples.map(example => ({
      vector: encoder.encode(example.text),
      target: classes.indexOf(example.skill),
    })),
    classes.length,
    encoder.size,
  )
  return text => {
    const vector = encoder.encode(text)
    if (squaredLength(vector) < MIN_KNOWN_SHARE) return { skill: null, score: 1, candidates: [] }
    const odds = probabilities(weights, vector)
    return toIntent(classes.map((skill, at) => ({ skill, score: odds[at]! })))
  }
}

function toIntent(scored: { skill: string | null; score: number }[]): Intent {
  const candidates = scored
    .filter((each): each is { skill: string; score: number } => each.skill !== null)
    .sort((a, b) => b.score - a.score)
  const [best, second] = candidates
  if (best && best.score >= THRESHOLD) {
    const isClose =
      second && second.score >= AMBIGUITY_LIMITS.likely && best.score - second.score < AMBIGUITY_LIMITS.apart
    return { ...best, candidates, ...(isClose && { between: [best.skill, second.skill] }) }
  }
  return { skill: null, score: scored.find(each => each.skill === null)?.score ?? 1, candidates }
}

/**
 * Features that no example has count in the length of a vector. Many unknown features thus lower the weight of the
 * known ones.
 */
function fitLexicalEncoder(examples: readonly Example[]): Encoder {
  const documentFrequency = new Map<string, number>()
  for (const { text } of examples)
    for (const feature of new Set(extractFeatures(text)))
      documentFrequency.set(feature, (documentFrequency.get(feature) ?? 0) + 1)
  const at = new Map([...documentFrequency.keys()].map((feature, index) => [feature, index]))
  const inverseDocumentFrequency = (feature: string) =>
    Math.log((examples.length + 1) / ((documentFrequency.get(feature) ?? 0) + 1)) + 1
  return {
    size: at.size,
    encode(text) {
      const entries = [...new Set(extractFeatures(text))].map(feature => ({
        at: at.get(feature) ?? -1,
        weight: inverseDocumentFrequency(feature),
      }))
      const length = Math.hypot(...entries.map(entry => entry.weight)) || 1
      const known = entries.filter(entry => entry.at >= 0)
      return {
        at: Int32Array.from(known, entry => entry.at),
        weight: Float64Array.from(known, entry => entry.weight / length),
      }
    },
  }
}

/** Stochastic gradient descent in a fixed order: the same examples give the same classifier. */
function trainWeights(
  samples: { vector: Vector; target: number }[],
  classes: number,
  size: number,
): Float64Array[] {
  const weights = Array.from({ length: classes }, () => new Float64Array(size))
  // A stride without a common factor with the count visits every sample, and visits the classes in turn.
  const stride = largestCoprime(Math.floor(samples.length * 0.618), samples.length)
  for (let epoch = 0; epoch < EPOCHS; epoch++)
    for (let turn = 0; turn < samples.length; turn++) {
      const { vector, target } = samples[(turn * stride) % samples.length]!
      const odds = probabilities(weights, vector)
      weights.forEach((row, at) => {
        addScaled(row, vector, LEARNING_RATE * ((at === target ? 1 : 0) - odds[at]!))
      })
    }
  return weights
}

function addScaled(row: Float64Array, vector: Vector, by: number): void {
  for (let i = 0; i < vector.at.length; i++) row[vector.at[i]!]! += by * vector.weight[i]!
}

function probabilities(weights: Float64Array[], vector: Vector): number[] {
  const sums = weights.map(row => {
    let sum = 0
    for (let i = 0; i < vector.at.length; i++) sum += row[vector.at[i]!]! * vector.weight[i]!
    return sum
  })
  const highest = Math.max(...sums)
  const powers = sums.map(sum => Math.exp(sum - highest))
  const total = powers.reduce((all, power) => all + power, 0)
  return powers.map(power => power / total)
}

const squaredLength = ({ weight }: Vector): number => weight.reduce((sum, each) => sum + each * each, 0)

const greatestCommonDivisor = (a: number, b: number): number =>
  b === 0 ? a : greatestCommonDivisor(b, a % b)

const largestCoprime = (from: number, to: number): number =>
  from > 1 && greatestCommonDivisor(from, to) !== 1 ? largestCoprime(from - 1, to) : Math.max(1, from)
