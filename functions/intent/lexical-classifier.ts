import type { Intent } from '#shared/contract/events/event-types.ts'
import type { Example } from './classifier.ts'
import { features } from './features.ts'

/** Takes a text to the skill it asks for, or to none. */
export type LexicalClassifier = (text: string) => Intent

type Vector = { at: Int32Array; weight: Float64Array }
type Encoder = { size: number; encode(text: string): Vector }

const ROUNDS = 40
const RATE = 2
/** How likely a skill must be. Chosen on the development set; the skills that miss it are still the model's tools. */
const THRESHOLD = 0.35
/** The second skill is as likely as this, and the first not much more: only the person can tell which is meant. */
const CLOSE = { likely: 0.3, apart: 0.3 }
/** A text of which less than this is known is like no example at all. */
const MIN_KNOWN = 0.12

/** By words alone, for as long as there are no embeddings: multinomial logistic regression over TF-IDF features. Learning 300 examples takes some 30 ms; a text, well under 1 ms. */
export function trainLexical(examples: readonly Example[]): LexicalClassifier {
  const encoder = encoderFor(examples)
  const classes = [...new Set(examples.map(example => example.skill))]
  const weights = learn(
    examples.map(example => ({
      vector: encoder.encode(example.text),
      target: classes.indexOf(example.skill),
    })),
    classes.length,
    encoder.size,
  )
  return text => {
    const vector = encoder.encode(text)
    if (squares(vector) < MIN_KNOWN) return { skill: null, score: 1, candidates: [] }
    const odds = probabilities(weights, vector)
    return decide(classes.map((skill, at) => ({ skill, score: odds[at]! })))
  }
}

function decide(scored: { skill: string | null; score: number }[]): Intent {
  const candidates = scored
    .filter((each): each is { skill: string; score: number } => each.skill !== null)
    .sort((a, b) => b.score - a.score)
  const [best, second] = candidates
  if (best && best.score >= THRESHOLD) {
    const isClose = second && second.score >= CLOSE.likely && best.score - second.score < CLOSE.apart
    return { ...best, candidates, ...(isClose && { between: [best.skill, second.skill] }) }
  }
  return { skill: null, score: scored.find(each => each.skill === null)?.score ?? 1, candidates }
}

/** Features that no example has weigh in the length of a vector, so that much unknown makes the known count less. */
function encoderFor(examples: readonly Example[]): Encoder {
  const seenIn = new Map<string, number>()
  for (const { text } of examples)
    for (const feature of new Set(features(text))) seenIn.set(feature, (seenIn.get(feature) ?? 0) + 1)
  const at = new Map([...seenIn.keys()].map((feature, index) => [feature, index]))
  const rarity = (feature: string) => Math.log((examples.length + 1) / ((seenIn.get(feature) ?? 0) + 1)) + 1
  return {
    size: at.size,
    encode(text) {
      const entries = [...new Set(features(text))].map(feature => ({
        at: at.get(feature) ?? -1,
        weight: rarity(feature),
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
function learn(samples: { vector: Vector; target: number }[], classes: number, size: number): Float64Array[] {
  const weights = Array.from({ length: classes }, () => new Float64Array(size))
  // A stride that shares no factor with the count visits every sample, and classes in turn.
  const stride = coprime(Math.floor(samples.length * 0.618), samples.length)
  for (let round = 0; round < ROUNDS; round++)
    for (let turn = 0; turn < samples.length; turn++) {
      const { vector, target } = samples[(turn * stride) % samples.length]!
      const odds = probabilities(weights, vector)
      weights.forEach((row, at) => {
        nudge(row, vector, RATE * ((at === target ? 1 : 0) - odds[at]!))
      })
    }
  return weights
}

function nudge(row: Float64Array, vector: Vector, by: number): void {
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

const squares = ({ weight }: Vector): number => weight.reduce((sum, each) => sum + each * each, 0)

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))

const coprime = (from: number, to: number): number =>
  from > 1 && divisor(from, to) !== 1 ? coprime(from - 1, to) : Math.max(1, from)
