import type { Intent } from '#shared/contract/events/event-types.ts'
import { languageOf } from '#shared/language/detection.ts'
import { type Outcome, type Scale, scaleBetween, thresholdFor } from './calibration.ts'
import { parallel } from './parallel-sentences.ts'
import { apartIn, type Embed, embedPairs, openSpace, type Pairs, type Project } from './projection.ts'
import { type Judge, type Judges, type Seen, trainJudges } from './scorers.ts'

/** A text and the skill that it asks for; null for none. */
export type Example = { skill: string | null; text: string }

/** Takes a text to the skill it asks for, or to none. */
export type Classifier = (text: string) => Promise<Intent>

/** Below this the words of a text say too little, and its meaning is judged alone. */
const MIN_KNOWN = 0.3
/** How much of what speaks for "none of these" is taken from what speaks for a skill. */
const NONE_WEIGHT = 0.5
/** How fast the score goes from 0 to 1 around the threshold, where it is 0.5. */
const STEEPNESS = 4
/**
 * When the second skill is above the threshold too and this near, only the person can tell which is meant. Of the
 * development set nothing that is clear is nearer than 0.44, while what may be either is mostly within 0.36.
 */
const CLOSE = 0.4
/** Into how many parts the examples are divided to find the thresholds when none are held out. */
const FOLDS = 4

/**
 * Learns from examples: linear support vector machines over sentence embeddings and words, joined with the nearest
 * examples. From when on a skill is taken is found on `heldOut`, or, without it, by cross-validation.
 */
export async function trainClassifier(
  examples: readonly Example[],
  embed: Embed,
  heldOut: readonly Example[] = [],
): Promise<Classifier> {
  const pairs = await embedPairs(embed)
  const embeddings = await embed(examples.map(({ text }) => text))
  const project = openSpace(
    pairs,
    examples.map(({ text }, i) => ({ text, embedding: embeddings[i]! })),
  )
  const skills = [...new Set(examples.flatMap(({ skill }) => skill ?? []))]
  const seen = examples.map(({ text }, i) => ({ text, vector: project(text, embeddings[i]!) }))
  const apart = apartIn({
    en: parallel.map(([text], i) => project(text, pairs.en[i]!)),
    zh: parallel.map(([, text], i) => project(text, pairs.zh[i]!)),
  })
  const judges = await trainJudges(seen, targetsOf(examples, skills), skills.length + 1, apart)
  const held = await embed(heldOut.map(({ text }) => text))
  const outcomes =
    heldOut.length > 0
      ? outcomesOf(
          judges,
          skills,
          heldOut,
          heldOut.map(({ text }, i) => ({ text, vector: project(text, held[i]!) })),
        )
      : await crossValidated(examples, seen, skills, apart)
  const limits = {
    meaning: thresholdFor(outcomes.map(({ meaning }) => meaning)),
    words: thresholdFor(outcomes.map(({ words }) => words)),
  }
  const fromChinese = chineseScale(judges.meaning, pairs, project)
  return async text => {
    const [embedding] = await embed([text])
    const one = { text, vector: project(text, embedding!) }
    const kind = judges.known(text) >= MIN_KNOWN ? 'words' : 'meaning'
    const scale = kind === 'meaning' && languageOf(text) === 'zh' ? fromChinese : unchanged
    return decide(skills, standing(judges[kind](one)), scale, limits[kind])
  }
}

const unchanged: Scale = confidence => confidence

/** The class after the skills is "none of these". */
const targetsOf = (examples: readonly Example[], skills: readonly string[]): number[] =>
  examples.map(({ skill }) => (skill === null ? skills.length : skills.indexOf(skill)))

/** What speaks for each skill, less what speaks for none. */
function standing(scores: Float32Array): Float32Array {
  const none = scores[scores.length - 1]!
  return scores.slice(0, -1).map(score => score - NONE_WEIGHT * none)
}

function decide(skills: readonly string[], standings: Float32Array, scale: Scale, limit: number): Intent {
  const ranked = skills
    .map((skill, at) => ({ skill, margin: scale(standings[at]!) - limit }))
    .sort((a, b) => b.margin - a.margin)
  const candidates = ranked.map(({ skill, margin }) => ({ skill, score: sigmoid(STEEPNESS * margin) }))
  const [best, second] = ranked
  const score = candidates[0]?.score ?? 0
  if (!best || score < 0.5) return { skill: null, score: 1 - score, candidates }
  const isClose = second !== undefined && second.margin >= 0 && best.margin - second.margin < CLOSE
  return { skill: best.skill, score, candidates, ...(isClose && { between: [best.skill, second.skill] }) }
}

const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value))

type Both = { meaning: Outcome; words: Outcome }

const outcomesOf = (
  judges: Judges,
  skills: readonly string[],
  examples: readonly Example[],
  seen: readonly Seen[],
): Both[] =>
  seen.map((one, i) => ({
    meaning: outcomeOf(judges.meaning, skills, examples[i]!, one),
    words: outcomeOf(judges.words, skills, examples[i]!, one),
  }))

function outcomeOf(judge: Judge, skills: readonly string[], { skill }: Example, one: Seen): Outcome {
  const standings = standing(judge(one))
  const best = standings.indexOf(Math.max(...standings))
  return {
    confidence: standings[best] ?? Number.NEGATIVE_INFINITY,
    isNone: skill === null,
    isRight: skills[best] === skill,
  }
}

/** What comes of each example when the others are learnt from. */
async function crossValidated(
  examples: readonly Example[],
  seen: readonly Seen[],
  skills: readonly string[],
  apart: readonly Float32Array[],
): Promise<Both[]> {
  const all: Both[] = []
  for (let fold = 0; fold < FOLDS; fold++) {
    const isHeld = (_: unknown, i: number) => i % FOLDS === fold
    const isLearnt = (_: unknown, i: number) => i % FOLDS !== fold
    const learnt = examples.filter(isLearnt)
    const judges = await trainJudges(
      seen.filter(isLearnt),
      targetsOf(learnt, skills),
      skills.length + 1,
      apart,
    )
    all.push(...outcomesOf(judges, skills, examples.filter(isHeld), seen.filter(isHeld)))
  }
  return all
}

/** A sentence in Chinese must be as far from a skill as its English translation. */
function chineseScale(judge: Judge, pairs: Pairs, project: Project): Scale {
  const confidences = (texts: readonly string[], embeddings: readonly Float32Array[]) =>
    texts.map((text, i) => Math.max(...standing(judge({ text, vector: project(text, embeddings[i]!) }))))
  const english = confidences(
    parallel.map(([text]) => text),
    pairs.en,
  )
  const chinese = confidences(
    parallel.map(([, text]) => text),
    pairs.zh,
  )
  return scaleBetween(chinese, english)
}
