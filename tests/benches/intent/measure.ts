import { readFile, realpath } from 'node:fs/promises'
import * as z from 'zod'
import type { Classifier, Example } from '../../../functions/intent/classifier.ts'

const utterancesSchema = z.array(z.tuple([z.string(), z.string()])).default([])
const intentFileSchema = z.object({
  train: utterancesSchema,
  val: utterancesSchema,
  test: utterancesSchema,
  oos_train: utterancesSchema,
  oos_val: utterancesSchema,
  oos_test: utterancesSchema,
})
type Split = 'train' | 'val' | 'test'
export type IntentFile = z.infer<typeof intentFileSchema>

export const readIntents = async (path: string): Promise<IntentFile> =>
  intentFileSchema.parse(JSON.parse(await readFile(path, 'utf8')))

/** A split with its out-of-scope utterances, which ask for none. */
const examplesOf = (intents: IntentFile, split: Split): Example[] => [
  ...intents[split].map(([text, skill]) => ({ text, skill })),
  ...intents[`oos_${split}`].map(([text]) => ({ text, skill: null })),
]

export type EvaluationPlan = {
  learn: Example[]
  /** The split for finding the threshold; empty for cross-validation over the training split. */
  tune: Example[]
  test: Example[]
  /** Notes that a reader of the figures needs. */
  remarks: string[]
}

/** The use of each split. No figure is measured on the split that the threshold was found on. */
export async function readEvaluationPlan(trainPath: string, testPath: string): Promise<EvaluationPlan> {
  const [train, test] = await Promise.all([readIntents(trainPath), readIntents(testPath)])
  if (train.train.length === 0) throw new Error(`${trainPath} has no "train"`)
  const split = test.test.length > 0 ? 'test' : 'val'
  if (test[split].length === 0) throw new Error(`${testPath} has neither "test" nor "val"`)
  const isSame = (await realpath(trainPath)) === (await realpath(testPath))
  const remarks: string[] = []
  if (split === 'val')
    remarks.push(
      `${testPath} has no "test": measured on "val"${test.oos_val.length > 0 ? ' and "oos_val"' : ''}`,
    )
  let tune = examplesOf(train, 'val')
  if (isSame && split === 'val') {
    tune = []
    remarks.push('the threshold is found by cross-validation over "train", since "val" is measured')
  } else if (tune.length === 0)
    remarks.push(`${trainPath} has no "val": the threshold is found by cross-validation over "train"`)
  return { learn: examplesOf(train, 'train'), tune, test: examplesOf(test, split), remarks }
}

export type Accuracies = {
  inScopeAccuracy: number
  inScopeAccuracyNoRejection: number
  /** Null where nothing is out of scope. */
  oosRecall: number | null
}

export async function measureAccuracies(classify: Classifier, test: readonly Example[]): Promise<Accuracies> {
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
    oosRecall: counts.none === 0 ? null : counts.caught / counts.none,
  }
}
