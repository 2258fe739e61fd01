import type { Intent } from '#shared/contract/events/event-types.ts'
import { detectLanguage } from '#shared/language/detection.ts'
import {
  type ConfidenceScale,
  chooseThreshold,
  fitConfidenceScale,
  type ScoredExample,
} from './calibration.ts'
import { translationPairs } from './parallel-sentences.ts'
import {
  computeTranslationDeltas,
  type Embed,
  embedTranslations,
  fitProjection,
  type Projection,
  type TranslationEmbeddings,
} from './projection.ts'
import { type Scorer, type ScorerInput, type Scorers, trainScorers } from './scorers.ts'

/** A text and the skill that it asks for; null for none. */
export type Example = { skill: string | null; text: string }

/** Finds the skill that a text asks for, or none. */
export type Classifier = (text: string) => Promise<Intent>

/** With a smaller share of known words, the classifier judges a text by its meaning alone. */
const MIN_KNOWN_SHARE = 0.3
/** The share of the score of "none of these" that is subtracted from each skill's score. */
const NONE_WEIGHT = 0.5
/** The steepness of the score from 0 to 1 around the threshold, where it is 0.5. */
const SCORE_STEEPNESS = 4
/**
 * The least lead of the best skill over a second one above the threshold. With a smaller lead, only the person can
 * decide. In the development set no clear text is nearer than 0.44, and ambiguous ones are mostly within 0.36.
 */
const AMBIGUITY_MARGIN = 0.4
/** The number of parts for cross-validation when no examples are held out. */
const FOLDS = 4

/**
 * Learns from examples: linear support vector machines over sentence embeddings and words, joined with the nearest
 * examples. It finds the threshold for a skill on `heldOut`, or, without it, by cross-validation.
 */
export async function trainClassifier(
  examples: readonly Example[],
  embed: Embed,
  heldOut: readonly Example[] = [],
): Promise<Classifier> {
  const pairs = await embedTranslations(embed)
  const embeddings = await embed(examples.map(({ text }) => text))
  const project = fitProjection(
    pairs,
    examples.map(({ text }, i) => ({ text, embedding: embeddings[i]! })),
  )
  const skills = [...new Set(examples.flatMap(({ skill }) => skill ?? []))]
  const inputs = examples.map(({ text }, i) => ({ text, vector: project(text, embeddings[i]!) }))
  const translationDeltas = computeTranslationDeltas({
    en: translationPairs.map(([text], i) => project(text, pairs.en[i]!)),
    zh: translationPairs.map(([, text], i) => project(text, pairs.zh[i]!)),
  })
  const scorers = await trainScorers(
    inputs,
    classIndices(examples, skills),
    skills.length + 1,
    translationDeltas,
  )
  const heldOutEmbeddings = await embed(heldOut.map(({ text }) => text))
  const outcomes =
    heldOut.length > 0
      ? scoreExamples(
          scorers,
          skills,
          heldOut,
          heldOut.map(({ text }, i) => ({ text, vector: project(text, heldOutEmbeddings[i]!) })),
        )
      : await crossValidate(examples, inputs, skills, translationDeltas)
  const thresholds = {
    meaning: chooseThreshold(outcomes.map(({ meaning }) => meaning)),
    words: chooseThreshold(outcomes.map(({ words }) => words)),
  }
  const chineseScale = fitChineseScale(scorers.meaning, pairs, project)
  return async text => {
    const [embedding] = await embed([text])
    const input = { text, vector: project(text, embedding!) }
    const kind = scorers.knownShare(text) >= MIN_KNOWN_SHARE ? 'words' : 'meaning'
    const scale = kind === 'meaning' && detectLanguage(text) === 'zh' ? chineseScale : identityScale
    return toIntent(skills, skillScores(scorers[kind](input)), scale, thresholds[kind])
  }
}

const identityScale: ConfidenceScale = confidence => confidence

/** The class after the skills is "none of these". */
const classIndices = (examples: readonly Example[], skills: readonly string[]): number[] =>
  examples.map(({ skill }) => (skill === null ? skills.length : skills.indexOf(skill)))

/** The score of each skill, less the share for "none of these". */
function skillScores(scores: Float32Array): Float32Array {
  const none = scores[scores.length - 1]!
  return scores.slice(0, -1).map(score => score - NONE_WEIGHT * none)
}

function toIntent(
  skills: readonly string[],
  scores: Float32Array,
  scale: ConfidenceScale,
  threshold: number,
): Intent {
  const ranked = skills
    .map((skill, at) => ({ skill, margin: scale(scores[at]!) - threshold }))
    .sort((a, b) => b.margin - a.margin)
  const candidates = ranked.map(({ skill, margin }) => ({ skill, score: sigmoid(SCORE_STEEPNESS * margin) }))
  const [best, second] = ranked
  const score = candidates[0]?.score ?? 0
  if (!best || score < 0.5) return { skill: null, score: 1 - score, candidates }
  const isClose = second !== undefined && second.margin >= 0 && best.margin - second.margin < AMBIGUITY_MARGIN
  return { skill: best.skill, score, candidates, ...(isClose && { between: [best.skill, second.skill] }) }
}

const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value))

type ScoredPair = { meaning: ScoredExample; words: ScoredExample }

const scoreExamples = (
  scorers: Scorers,
  skills: readonly string[],
  examples: readonly Example[],
  inputs: readonly ScorerInput[],
): ScoredPair[] =>
  inputs.map((one, i) => ({
    meaning: scoreExample(scorers.meaning, skills, examples[i]!, one),
    words: scoreExample(scorers.words, skills, examples[i]!, one),
  }))

function scoreExample(
  scorer: Scorer,
  skills: readonly string[],
  { skill }: Example,
  input: ScorerInput,
): ScoredExample {
  const scores = skillScores(scorer(input))
  const best = scores.indexOf(Math.max(...scores))
  return {
    confidence: scores[best] ?? Number.NEGATIVE_INFINITY,
    isNone: skill === null,
    isRight: skills[best] === skill,
  }
}

/** The outcome of each example when the classifier learns from the others. */
async function crossValidate(
  examples: readonly Example[],
  inputs: readonly ScorerInput[],
  skills: readonly string[],
  translationDeltas: readonly Float32Array[],
): Promise<ScoredPair[]> {
  const all: ScoredPair[] = []
  for (let fold = 0; fold < FOLDS; fold++) {
    const isHeldOut = (_: unknown, i: number) => i % FOLDS === fold
    const isTraining = (_: unknown, i: number) => i % FOLDS !== fold
    const trainingExamples = examples.filter(isTraining)
    const scorers = await trainScorers(
      inputs.filter(isTraining),
      classIndices(trainingExamples, skills),
      skills.length + 1,
      translationDeltas,
    )
    all.push(...scoreExamples(scorers, skills, examples.filter(isHeldOut), inputs.filter(isHeldOut)))
  }
  return all
}

/** Scales confidences of Chinese sentences, so that they are as far from a skill as their English translations. */
function fitChineseScale(scorer: Scorer, pairs: TranslationEmbeddings, project: Projection): ConfidenceScale {
  const confidences = (texts: readonly string[], embeddings: readonly Float32Array[]) =>
    texts.map((text, i) => Math.max(...skillScores(scorer({ text, vector: project(text, embeddings[i]!) }))))
  const english = confidences(
    translationPairs.map(([text]) => text),
    pairs.en,
  )
  const chinese = confidences(
    translationPairs.map(([, text]) => text),
    pairs.zh,
  )
  return fitConfidenceScale(chinese, english)
}
