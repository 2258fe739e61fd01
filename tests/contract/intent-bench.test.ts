import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Embedder } from '../../shared/models/models.ts'
import { measureAccuracies, readEvaluationPlan } from '../benches/intent/measure.ts'
import { openCachedEmbedder } from '../benches/intent/vector-cache.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-intent-bench-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function file(name: string, content: object): Promise<string> {
  await writeFile(join(folder, name), JSON.stringify(content))
  return join(folder, name)
}

const trainingSplit = { train: [['what time is it', 'time']], oos_train: [['hello', 'oos']] }
const validationSplit = { val: [['the time please', 'time']], oos_val: [['hi', 'oos']] }

test('the test split is measured where there is one, and the threshold is found on "val"', async () => {
  const train = await file('train.json', { ...trainingSplit, ...validationSplit })
  const test = await file('test.json', {
    ...validationSplit,
    test: [['几点了', 'time']],
    oos_test: [['你好', 'oos']],
  })
  expect(await readEvaluationPlan(train, test)).toEqual({
    learn: [
      { text: 'what time is it', skill: 'time' },
      { text: 'hello', skill: null },
    ],
    tune: [
      { text: 'the time please', skill: 'time' },
      { text: 'hi', skill: null },
    ],
    test: [
      { text: '几点了', skill: 'time' },
      { text: '你好', skill: null },
    ],
    remarks: [],
  })
})

test('what is measured is never what the threshold was found on', async () => {
  const only = await file('only.json', { ...trainingSplit, ...validationSplit })
  const { tune, test, remarks } = await readEvaluationPlan(only, join(folder, '.', 'only.json'))
  expect(tune).toEqual([])
  expect(test).toHaveLength(2)
  expect(remarks).toEqual([
    expect.stringContaining('has no "test": measured on "val" and "oos_val"'),
    expect.stringContaining('cross-validation over "train"'),
  ])
})

test('a file without what is needed is refused by its name', async () => {
  const empty = await file('empty.json', {})
  const train = await file('train.json', trainingSplit)
  await expect(readEvaluationPlan(empty, train)).rejects.toThrow(`${empty} has no "train"`)
  await expect(readEvaluationPlan(train, empty)).rejects.toThrow(`${empty} has neither "test" nor "val"`)
  const oosAlone = await file('oos.json', { oos_test: [['hi', 'oos']] })
  await expect(readEvaluationPlan(train, oosAlone)).rejects.toThrow(`${oosAlone} has neither`)
})

test('without anything out of scope its recall is null, and nothing is NaN', async () => {
  const classify = async () => ({ skill: 'time', score: 1, candidates: [{ skill: 'time', score: 1 }] })
  expect(await measureAccuracies(classify, [{ text: 'a', skill: 'time' }])).toEqual({
    inScopeAccuracy: 1,
    inScopeAccuracyNoRejection: 1,
    oosRecall: null,
  })
})

/** A direction for each text, turned by the model's `turn`. */
function countingEmbedder(turn: number): Embedder & { made: string[] } {
  const made: string[] = []
  return {
    made,
    embed: async texts => {
      made.push(...texts)
      const angle = (text: string) => text.length + turn
      return {
        model: 'm',
        vectors: texts.map(text => Float32Array.of(Math.cos(angle(text)), Math.sin(angle(text)))),
      }
    },
    close: async () => undefined,
  }
}

test('embeddings are kept on disk, until the model gives others under the same name', async () => {
  const said: string[] = []
  const at = join(folder, 'bench', 'vectors.db')
  async function embedded(embedder: Embedder): Promise<number[][]> {
    const kept = await openCachedEmbedder(at, embedder, line => said.push(line))
    const { vectors } = await kept.embed(['one', 'three', 'one'], 'query')
    kept.close()
    return vectors.map(vector => [...vector])
  }
  const [first, again, other] = [countingEmbedder(0), countingEmbedder(0), countingEmbedder(1)]
  const vectors = await embedded(first)
  expect(vectors[0]).toEqual(vectors[2])
  expect(first.made.slice(1)).toEqual(['one', 'three'])
  expect(await embedded(again)).toEqual(vectors)
  expect(again.made.slice(1)).toEqual([])
  expect(said).toEqual([])
  expect(await embedded(other)).not.toEqual(vectors)
  expect(other.made.slice(1)).toEqual(['one', 'three'])
  expect(said).toEqual([expect.stringContaining('all are made anew')])
})
