import { trainDiscriminant } from './linear-discriminant.ts'
import { type Neighbours, openNeighbours } from './nearest-neighbours.ts'
import { type Machines, type Sample, trainMachines } from './svm.ts'
import { noWords, openWords, type WordSpace } from './tfidf.ts'

/** A text as it is judged: its projected embedding, and itself. */
export type Seen = { text: string; vector: Float32Array }

/** How much a text is of each class. */
export type Judge = (seen: Seen) => Float32Array

export type Judges = {
  /** By meaning alone: for texts in words that no example has, as of another language. */
  meaning: Judge
  /** By meaning and words. */
  words: Judge
  /** How much of a text's words the examples have, from 0 to 1. */
  known(text: string): number
}

/** How much the nearest examples count beside the machine. Chosen on CLINC150's validation split and a Chinese one. */
const NEIGHBOURS = { meaning: 4, words: 2 }
const COST = 1

/** How much the middles of the classes count beside them; chosen likewise. */
const DISCRIMINANT = 0.2

/** `apart` is how sentences and their translations differ. */
export async function trainJudges(
  examples: readonly Seen[],
  targets: readonly number[],
  classes: number,
  apart: readonly Float32Array[],
): Promise<Judges> {
  const space = openWords(examples.map(({ text }) => text))
  const neighbours = keepingLast(
    openNeighbours(
      examples.map(({ vector }) => vector),
      targets,
      classes,
    ),
  )
  const discriminant = await trainDiscriminant(
    examples.map(({ vector }) => vector),
    targets,
    classes,
    apart,
  )
  const train = (sparse: number, samples: Sample[]) =>
    trainMachines(samples, targets, { classes, sparse, cost: COST })
  const meaning = await train(0, examples.map(withoutWords))
  const words = await train(space.size, examples.map(withWords(space)))
  const joined = (machines: Machines, sample: Sample, kind: 'meaning' | 'words') => {
    const near = neighbours(sample.dense)
    const middle = discriminant(sample.dense)
    return machines
      .scores(sample)
      .map((score, at) => score + NEIGHBOURS[kind] * near[at]! + DISCRIMINANT * middle[at]!)
  }
  return {
    meaning: seen => joined(meaning, withoutWords(seen), 'meaning'),
    words: seen => joined(words, withWords(space)(seen), 'words'),
    known: text => space.weigh(text).known,
  }
}

/** Both judges are asked about a text one after the other, and the nearest of very many examples take longest. */
function keepingLast(neighbours: Neighbours): Neighbours {
  let last: { vector: Float32Array; near: Float32Array } | undefined
  return vector => {
    if (last?.vector !== vector) last = { vector, near: neighbours(vector) }
    return last.near
  }
}

const withoutWords = ({ vector }: Seen): Sample => ({ dense: vector, ...noWords })

const withWords =
  (space: WordSpace) =>
  ({ text, vector }: Seen): Sample => ({ dense: vector, ...space.weigh(text) })
