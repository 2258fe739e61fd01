import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import type { Classifier, Example } from '../../functions/intent/classifier.ts'
import type { Embed } from '../../functions/intent/space.ts'

const utterances = z.array(z.tuple([z.string(), z.string()])).default([])
const file = z.object({
  train: utterances,
  val: utterances,
  test: utterances,
  oos_train: utterances,
  oos_val: utterances,
  oos_test: utterances,
})
type Split = 'train' | 'val' | 'test'
export type IntentFile = z.infer<typeof file>

export const readIntents = async (path: string): Promise<IntentFile> =>
  file.parse(JSON.parse(await readFile(path, 'utf8')))

/** A split with its out-of-scope utterances, which ask for none. */
export const examplesOf = (intents: IntentFile, split: Split): Example[] => [
  ...intents[split].map(([text, skill]) => ({ text, skill })),
  ...intents[`oos_${split}`].map(([text]) => ({ text, skill: null })),
]

/** The test split, or, in a file without one, the validation split. */
export const testOf = (intents: IntentFile): Example[] =>
  examplesOf(intents, intents.test.length > 0 ? 'test' : 'val')

/** Keeps every vector until it is cleared, so that accuracy needs each text only once, in batches. */
export function remembering(embed: Embed) {
  const kept = new Map<string, Float32Array>()
  const remember: Embed = async texts => {
    const missing = [...new Set(texts)].filter(text => !kept.has(text))
    const made = missing.length > 0 ? await embed(missing) : []
    missing.forEach((text, at) => void kept.set(text, made[at]!))
    return texts.map(text => kept.get(text)!)
  }
  return { embed: remember, clear: () => kept.clear() }
}

export async function accuracies(classify: Classifier, test: readonly Example[]) {
  const counts = { inScope: 0, right: 0, best: 0, none: 0, caught: 0 }
  for (const { text, skill } of test) {
    const found = await classify(text)
    if (skill === null) {
      counts.none++
      if (found.skill === null) counts.caught++
    } else {
      counts.inScope++
      if (found.skill === skill) counts.right++
      if (found.candidates[0]?.skill === skill) counts.best++
    }
  }
  return {
    inScopeAccuracy: counts.right / counts.inScope,
    inScopeAccuracyNoRejection: counts.best / counts.inScope,
    oosRecall: counts.caught / counts.none,
  }
}

/** Each utterance by itself, from its words to its skill, its embedding included. */
export async function msPerUtterance(classify: Classifier, test: readonly Example[]): Promise<number> {
  const texts = test.map(({ text }) => text).filter((_, i) => i % Math.ceil(test.length / 300) === 0)
  const startedAt = performance.now()
  for (const text of texts) await classify(text)
  return (performance.now() - startedAt) / texts.length
}
