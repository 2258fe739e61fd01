import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { type Logger, silentLogger } from '../../shared/base/log.ts'
import { openMe5 } from '../../shared/models/e5/e5.ts'
import { me5Files } from '../../shared/models/e5/model-folder.ts'
import { openTokenizer } from '../../shared/models/e5/tokenizer.ts'
import { readVocabulary } from '../../shared/models/e5/weights-file.ts'
import type { EmbeddingKind } from '../../shared/models/models.ts'
import { builtInEmbeddings, cosine, me5Reference } from '../support/embedding-model.ts'

const folder = await builtInEmbeddings()
const reference = await me5Reference()

describe.skipIf(!folder)('the built-in embedding model', () => {
  const open = (options: Partial<Parameters<typeof openMe5>[0]> = {}) =>
    openMe5({ folder: async () => folder!, threads: 2, ...options })
  const models = open()
  afterAll(() => models.close())

  const partsOf = (text: string) => {
    const at = text.indexOf(': ')
    return { kind: text.slice(0, at) as EmbeddingKind, said: text.slice(at + 2) }
  }

  test('cuts texts in seven languages into the very ids of the reference', async () => {
    const { encode } = openTokenizer(readVocabulary(await readFile(join(folder!, me5Files.vocabulary))))
    for (const { text, ids } of reference) expect(encode(text, 512), text).toEqual(ids)
  })

  test('gives the vectors of the reference, one text at a time', async () => {
    for (const { text, vector } of reference) {
      const { kind, said } = partsOf(text)
      const { vectors } = await models.embed([said], kind)
      expect(cosine(vectors[0]!, vector), text).toBeGreaterThan(0.998)
    }
  })

  test('gives nearly the same vectors in a batch, in the order of the texts', async () => {
    const batched = open()
    for (const kind of ['query', 'passage'] as const) {
      const wanted = reference.filter(({ text }) => partsOf(text).kind === kind)
      const { vectors } = await batched.embed(
        wanted.map(({ text }) => partsOf(text).said),
        kind,
      )
      wanted.forEach(
        ({ text, vector }, at) => void expect(cosine(vectors[at]!, vector), text).toBeGreaterThan(0.997),
      )
    }
    await batched.close()
  })

  test('gives the same vector for the same text, and a text twice at once', async () => {
    const [first, second] = (await models.embed(['good morning', 'good morning'], 'query')).vectors
    expect(second).toEqual(first)
    const fresh = open()
    expect((await fresh.embed(['good morning'], 'query')).vectors[0]).toEqual(first)
    await fresh.close()
  })

  test('finds a Chinese sentence nearer to its English one than to another', async () => {
    const texts = ['What is the weather like?', '今天天气怎么样？', 'Play some jazz.']
    const [weather, chinese, jazz] = (await models.embed(texts, 'query')).vectors
    expect(cosine(chinese!, [...weather!])).toBeGreaterThan(cosine(chinese!, [...jazz!]))
  })

  test('takes a text longer than the model does, as the average of its windows', async () => {
    const { vectors } = await models.embed(['word '.repeat(2_000)], 'passage')
    expect(Math.hypot(...vectors[0]!)).toBeCloseTo(1, 5)
  })

  test('takes an empty text and half of a surrogate pair', async () => {
    const { vectors } = await models.embed(['', '\ud83d'], 'query')
    for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 5)
  })

  test('stops between two batches when its signal is aborted', async () => {
    const texts = Array.from({ length: 200 }, (_, i) => `text number ${i} that nobody has said before`)
    const controller = new AbortController()
    const embedding = models.embed(texts, 'query', controller.signal)
    controller.abort(new Error('enough'))
    await expect(embedding).rejects.toThrow()
  })

  test('leaves the memory when idle, and comes back when asked', async () => {
    const said: string[] = []
    const log: Logger = { ...silentLogger, info: (_fields, message) => said.push(message) }
    const idle = open({ idleUnloadMs: 1, log })
    await idle.embed(['hello'], 'query')
    await vi.waitFor(() => expect(said).toContain('the embedding model left the memory'))
    await idle.embed(['goodbye'], 'query')
    expect(said.filter(message => message === 'loaded the embedding model')).toHaveLength(2)
    await idle.close()
  })
})
