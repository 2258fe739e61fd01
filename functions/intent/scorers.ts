import { trainDiscriminant } from './linear-discriminant.ts'
import { createNeighbourScorer, type NeighbourScorer } from './nearest-neighbours.ts'
import { type LinearSvms, type Sample, trainSvms } from './svm.ts'
import { emptyTfidfVector, fitTfidfEncoder, type TfidfEncoder } from './tfidf.ts'

/** The input of a scorer: a text and its projected embedding. */
export type ScorerInput = { text: string; vector: Float32Array }

/** The score of a text for each class. */
export type Scorer = (seen: ScorerInput) => Float32Array

export type Scorers = {
  /** By meaning alone: for texts whose words no example has, such as texts in another language. */
  meaning: Scorer
  /** By meaning and words. */
  words: Scorer
  /** The share of a text's words that the examples have, from 0 to 1. */
  knownShare(text: string): number
}

/** The weight of the nearest examples relative to the SVMs. Chosen on CLINC150's validation split and a Chinese one. */
const NEIGHBOUR_WEIGHTS = { meaning: 4, words: 2 }
const SVM_COST = 1

/** The weight of the classes' centroids relative to the SVMs. Chosen on the same splits. */
const DISCRIMINANT_WEIGHT = 0.2

/** `translationDeltas`: the differences between sentences and their translations. */
export async function trainScorers(
  examples: readonly ScorerInput[],
  targets: readonly number[],
  classes: number,
  translationDeltas: readonly Float32Array[],
): Promise<Scorers> {
  const tfidf = fitTfidfEncoder(examples.map(({ text }) => text))
  const neighbours = cacheLast(
    createNeighbourScorer(
      examples.map(({ vector }) => vector),
      targets,
      classes,
    ),
  )
  const discriminant = await trainDiscriminant(
    examples.map(({ vector }) => vector),
    targets,
    classes,
    translationDeltas,
  )
  const train = (sparse: number, samples: Sample[]) =>
    trainSvms(samples, targets, { classes, sparse, cost: SVM_COST })
  const meaning = await train(0, examples.map(denseSample))
  const words = await train(tfidf.size, examples.map(denseAndTfidfSample(tfidf)))
  const combineScores = (svms: LinearSvms, sample: Sample, kind: 'meaning' | 'words') => {
    const neighbourScores = neighbours(sample.dense)
    const discriminantScores = discriminant(sample.dense)
    return svms
      .scores(sample)
      .map(
        (score, at) =>
          score +
          NEIGHBOUR_WEIGHTS[kind] * neighbourScores[at]! +
          DISCRIMINANT_WEIGHT * discriminantScores[at]!,
      )
  }
  return {
    meaning: seen => combineScores(meaning, denseSample(seen), 'meaning'),
    words: seen => combineScores(words, denseAndTfidfSample(tfidf)(seen), 'words'),
    knownShare: text => tfidf.encode(text).knownShare,
  }
}

/**
 * Caches the scores of the last vector. Both scorers get the same text one after the other, and finding the nearest of
 * very many examples takes longest.
 */
function cacheLast(neighbours: NeighbourScorer): NeighbourScorer {
  let last: { vector: Float32Array; near: Float32Array } | undefined
  return vector => {
    if (last?.vector !== vector) last = { vector, near: neighbours(vector) }
    return last.near
  }
}

const denseSample = ({ vector }: ScorerInput): Sample => ({ dense: vector, ...emptyTfidfVector })

const denseAndTfidfSample =
  (tfidf: TfidfEncoder) =>
  ({ text, vector }: ScorerInput): Sample => ({ dense: vector, ...tfidf.encode(text) })
