import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LaresError } from '#shared/base/errors.ts'
import { silentLogger } from '#shared/base/log.ts'
import type { Embedder } from '#shared/models/models.ts'
import { openSqliteVectors } from '#shared/vectors/sqlite.ts'
import type { Vectors } from '#shared/vectors/vectors.ts'
import { isAboutOneself } from './second-person.ts'
import { openSemanticIndex, type SemanticIndexDependencies } from './semantic-recall.ts'

/** Words with the same meaning share one direction; tests/integration/stores/memory.test.ts covers the real model. */
const MEANINGS = [
  ['bike', 'bicycle'],
  ['code', 'combination'],
  ['city', 'paris'],
  ['cats', 'pets'],
]

function fakeEmbedder(model: string): Embedder & { texts: string[] } {
  const texts: string[] = []
  const vectorOf = (text: string) => {
    const words = text.toLowerCase().split(/\W+/)
    const parts = MEANINGS.map(meaning => Number(meaning.some(word => words.includes(word))))
    return Float32Array.from([...parts, 0.1])
  }
  return {
    texts,
    async embed(given) {
      texts.push(...given)
      return { model, vectors: given.map(vectorOf) }
    },
    close: async () => undefined,
  }
}

const MEMORIES = [
  { id: 'lock', text: 'my bicycle lock code is 4711' },
  { id: 'home', text: 'I live in Paris' },
  { id: 'pets', text: 'I have two cats' },
]

let folder: string
let vectors: Vectors
let nowMs: number
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-meaning-'))
  vectors = openSqliteVectors(join(folder, 'vectors.db'))
  nowMs = 0
})
afterEach(async () => {
  await vectors.close()
  await rm(folder, { recursive: true })
})

const dependenciesWith = (models: Embedder): SemanticIndexDependencies => ({
  models,
  vectors,
  log: silentLogger,
  signal: new AbortController().signal,
  now: () => nowMs,
})

/** Repeats the question until the embeddings are ready, because no caller waits for them. */
async function openIndex(models: Embedder, memories = () => MEMORIES) {
  const meaning = openSemanticIndex(vectors)
  const nearest = (person: string, text: string) =>
    meaning.nearest(person, text, async () => (person === 'ann' ? memories() : []), dependenciesWith(models))
  expect(await nearest('ann', 'my bike code')).toEqual([])
  await vi.waitFor(async () => expect(await nearest('ann', 'my bike code')).toEqual(['lock']))
  return { ...meaning, nearest }
}

test('memories are found by what they mean, those of this person only', async () => {
  const { nearest } = await openIndex(fakeEmbedder('m'))
  expect(await nearest('ann', 'which pets do I have?')).toEqual(['pets'])
  expect(await nearest('ann', 'my plans')).toEqual([])
  expect(await nearest('bob', 'my bike code')).toEqual([])
})

test('what is new is found, what is forgotten leaves no vector behind', async () => {
  const all = [...MEMORIES]
  const { nearest, changed } = await openIndex(fakeEmbedder('m'), () => all)
  all.push({ id: 'car', text: 'the combination of my gym locker is 12' })
  await changed('ann', [])
  expect(await nearest('ann', 'my combination')).toEqual(['car'])
  all.splice(0, 1)
  await changed('ann', ['lock'])
  const [model] = await vectors.models()
  const ids: string[] = []
  for await (const { id } of (await vectors.index(model!)).read('ann')) ids.push(id)
  expect(ids.toSorted()).toEqual(['car', 'home', 'pets'])
})

test('another model begins anew and takes over person by person; each memory is embedded once', async () => {
  const first = fakeEmbedder('m')
  await openIndex(first)
  const second = fakeEmbedder('n')
  const { nearest } = await openIndex(second)
  await nearest('ann', 'my city')
  expect(second.texts.filter(text => text.includes('4711'))).toHaveLength(1)
  expect((await vectors.models()).map(({ id }) => id).toSorted()).toEqual(['m', 'n'])
  const { nearest: again } = await openIndex(second)
  await again('ann', 'my city')
  expect(second.texts.filter(text => text.includes('4711'))).toHaveLength(1)
})

test('without embeddings nothing is found and nothing fails; they are asked again after a minute', async () => {
  const embed = vi.fn(async () => {
    throw new LaresError('unavailable', 'away')
  })
  const meaning = openSemanticIndex(vectors)
  const ask = () =>
    meaning.nearest(
      'ann',
      'my bike code',
      async () => MEMORIES,
      dependenciesWith({ embed, close: async () => undefined }),
    )
  for (let n = 0; n < 3; n++) expect(await ask()).toEqual([])
  await vi.waitFor(() => expect(embed).toHaveBeenCalledTimes(1))
  nowMs = 61_000
  expect(await ask()).toEqual([])
  await vi.waitFor(() => expect(embed).toHaveBeenCalledTimes(2))
})

test.each([
  ['what is my code?', true],
  ['where do I live', true],
  ['我住在哪里', true],
  ['what is the capital of France?', false],
  ['今天天气怎么样', false],
])('%j is about oneself: %s', (text, is) => {
  expect(isAboutOneself(text)).toBe(is)
})

test('what is forgotten while it is embedded leaves no vector', async () => {
  const base = fakeEmbedder('m')
  const began = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const models: Embedder = {
    ...base,
    async embed(given, kind, signal) {
      if (kind === 'passage') {
        began.resolve()
        await gate.promise
      }
      return await base.embed(given, kind, signal)
    },
  }
  const meaning = openSemanticIndex(vectors)
  let kept = MEMORIES
  const ask = () => meaning.nearest('ann', 'my bike code', async () => kept, dependenciesWith(models))
  // The index loads the model behind the first question.
  await ask()
  await wait(100)
  const asking = ask()
  await began.promise
  kept = MEMORIES.filter(({ id }) => id !== 'lock')
  await meaning.changed('ann', ['lock'])
  gate.resolve()
  await asking
  const left: string[] = []
  for (const model of await vectors.models())
    for await (const { id } of (await vectors.index(model)).read('ann')) left.push(id)
  expect(left.sort()).toEqual(kept.map(({ id }) => id).sort())
})
