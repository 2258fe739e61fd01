import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { openSemanticIndex } from '../../../functions/memory/semantic-recall.ts'
import { silentLogger } from '../../../shared/base/log.ts'
import { openMe5 } from '../../../shared/models/e5/e5.ts'
import { openSqliteVectors } from '../../../shared/vectors/sqlite.ts'
import { builtInEmbeddings } from '../../support/embedding-model.ts'
import { readMemoryCases, runMemoryCases, summarise } from '../../support/stores/memory-conversations.ts'

const folder = await builtInEmbeddings()

const FACTS = [
  'my bicycle lock code is 4711',
  'I live in Paris',
  'my sister is called Anna',
  'my favourite colour is green',
  'my dentist appointment is on 3 December',
  'I have two cats',
  'my car is a red Volvo from 2011',
  'I drink my coffee without sugar',
  'the wifi password is tulip-42',
  'my mother turns 70 in May',
  'I play the cello in an orchestra',
  '我的银行卡密码是 998877',
  '我对海鲜过敏',
  '我的女儿叫小雨',
  '我每天早上六点起床',
]

/** Another person with similar facts. */
const OTHER_FACTS = [
  'my bicycle lock code is 9002',
  'I live in Oslo',
  'my car is a blue Fiat',
  'I have one dog',
  '我的女儿叫小雪',
]

/** Questions in other words than the facts; some in the other language. */
const QUESTIONS: [string, string][] = [
  ['what is the combination of my bike?', FACTS[0]!],
  ['where is my home?', FACTS[1]!],
  ['who are my siblings?', FACTS[2]!],
  ['what colour do I like best?', FACTS[3]!],
  ['when do I see the dentist?', FACTS[4]!],
  ['do I have any pets?', FACTS[5]!],
  ['what vehicle do I drive?', FACTS[6]!],
  ['how do I take my coffee?', FACTS[7]!],
  ['how do I get on the internet here with my laptop?', FACTS[8]!],
  ['how old will my mum be?', FACTS[9]!],
  ['which instrument do I play?', FACTS[10]!],
  ['我的卡的密码是多少？', FACTS[11]!],
  ['我不能吃什么？', FACTS[12]!],
  ['我孩子叫什么名字？', FACTS[13]!],
  ['when do I get up?', FACTS[14]!],
  ['我的猫有几只？', FACTS[5]!],
]

describe.skipIf(!folder)('memories found by the built-in embeddings', () => {
  const models = openMe5({ folder: async () => folder!, threads: 2 })
  afterAll(() => models.close())

  test('what was told in other words, or in the other language, is among the few that are given', async () => {
    const home = await mkdtemp(join(tmpdir(), 'lares-memory-'))
    const vectors = openSqliteVectors(join(home, 'vectors.db'))
    const meaning = openSemanticIndex(vectors)
    const { signal } = new AbortController()
    const tools = { models, vectors, log: silentLogger, signal, now: Date.now }
    const entries = (texts: string[]) => texts.map(text => ({ id: text, text }))
    const nearest = (person: string, text: string) =>
      meaning.nearest(person, text, async () => entries(person === 'ann' ? FACTS : OTHER_FACTS), tools)
    await vi.waitFor(async () => expect(await nearest('ann', 'my bike')).not.toEqual([]), 30_000)
    const missed: string[] = []
    for (const [question, memory] of QUESTIONS)
      if (!(await nearest('ann', question)).includes(memory)) missed.push(question)
    console.log(
      `found ${QUESTIONS.length - missed.length} of ${QUESTIONS.length}; missed: ${missed.join('; ')}`,
    )
    expect(missed.length).toBeLessThanOrEqual(2)
    for (const [question] of QUESTIONS) {
      expect(FACTS).toEqual(expect.arrayContaining(await nearest('ann', question)))
      expect(OTHER_FACTS).toEqual(expect.arrayContaining(await nearest('bob', question)))
    }
    expect(await nearest('bob', 'what is the combination of my bike?')).toContain(OTHER_FACTS[0])
    await vectors.close()
    await rm(home, { recursive: true })
  }, 120_000)

  test('over a hundred conversations of several sessions: nobody gets what is old, forgotten or of another', async () => {
    const result = summarise(await runMemoryCases(await readMemoryCases(), models))
    process.stderr.write(`memory with embeddings: ${JSON.stringify(result)}\n`)
    expect(result).toMatchObject({ missed: [], stale: [], leaks: [], survived: [] })
  }, 300_000)
})
