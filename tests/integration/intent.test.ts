import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Classifier, type Example, trainClassifier } from '../../functions/intent/classifier.ts'
import { chineseUtterances, englishUtterances } from '../../functions/intent/development-set.fixture.ts'
import { dualEmbedding } from '../../functions/intent/dual-embedding.ts'
import { outOfScopeExamples } from '../../functions/intent/out-of-scope-examples.ts'
import { openIntentRecogniser } from '../../functions/intent/training.ts'
import calculator from '../../functions/skills/calculator/handler.ts'
import notes from '../../functions/skills/notes/handler.ts'
import reminder from '../../functions/skills/reminder/handler.ts'
import time from '../../functions/skills/time/handler.ts'
import { silentLogger } from '../../shared/base/log.ts'
import { containsHan } from '../../shared/language/script.ts'
import { openMe5 } from '../../shared/models/e5/e5.ts'
import { builtInEmbeddings } from '../support/embedding-model.ts'

const folder = await builtInEmbeddings()
const skills = [calculator, notes, reminder, time].map(({ skill }) => skill!)

describe.skipIf(!folder)('intent with embeddings', () => {
  const models = openMe5({ folder: async () => folder!, threads: 2 })
  const embed = dualEmbedding(models)
  const none: Example[] = outOfScopeExamples.map(text => ({ skill: null, text }))
  const learn = (mayUse: (text: string) => boolean) =>
    trainClassifier(
      [
        ...none.filter(({ text }) => mayUse(text)),
        ...skills.flatMap(({ name, examples }) =>
          examples.filter(mayUse).map(text => ({ skill: name, text })),
        ),
      ],
      embed,
    )
  afterAll(() => models.close())

  async function share(classify: Classifier, set: typeof englishUtterances): Promise<number> {
    const wrong: string[] = []
    const all = Object.entries(set).flatMap(([skill, texts]) => texts.map(text => ({ skill, text })))
    for (const { skill, text } of all) {
      const got = (await classify(text)).skill ?? 'none'
      if (got !== skill) wrong.push(`${text}: ${got} instead of ${skill}`)
    }
    console.info(`${all.length - wrong.length} of ${all.length} right`, wrong)
    return 1 - wrong.length / all.length
  }

  describe('that has learnt from all examples', () => {
    let classify: Classifier
    beforeAll(async () => {
      classify = await learn(() => true)
    }, 120_000)

    test.each([
      ['English', englishUtterances],
      ['Chinese', chineseUtterances],
    ] as const)('is right for nine of ten things that people say in %s', async (_, set) => {
      expect(await share(classify, set)).toBeGreaterThanOrEqual(0.9)
    })

    test.each([
      ['note to call the bank tomorrow at 9', ['notes', 'reminder']],
      ['remind me of my notes', ['notes', 'reminder']],
      ['write down that I have to call Anna at 5', ['notes', 'reminder']],
      ['明天记一下交房租', ['notes', 'reminder']],
      ['两小时后是几点', ['calculator', 'time']],
    ])('tells that "%s" may be for %j', async (text, both) => {
      expect((await classify(text)).between?.toSorted()).toEqual(both)
    })

    test('finds nothing close in what is clear', async () => {
      const texts = [englishUtterances, chineseUtterances].flatMap(set => Object.values(set).flat())
      const close: string[] = []
      for (const text of texts) if ((await classify(text)).between) close.push(text)
      console.info(`${close.length} of ${texts.length} would be asked back`, close)
      expect(close.length).toBeLessThanOrEqual(2)
    })

    test('tells how sure it is, with the candidates best first', async () => {
      const { skill, score, candidates } = await classify('what time is it in Tokyo')
      expect(skill).toBe('time')
      expect(score).toBeGreaterThan(0.5)
      const scores = candidates.map(each => each.score)
      expect(scores).toEqual(scores.toSorted((a, b) => b - a))
      expect(candidates).toHaveLength(skills.length)
    })
  })

  test('English examples alone serve people who write Chinese', async () => {
    const classify = await learn(text => !containsHan(text))
    expect(await share(classify, chineseUtterances)).toBeGreaterThanOrEqual(0.8)
  }, 120_000)

  test('answers by words until it has learnt, and then by meaning', async () => {
    const said: string[] = []
    const log = { ...silentLogger, info: (_fields: object, message: string) => said.push(message) }
    const learner = openIntentRecogniser()
    const first = await learner.intentOf('what time is it?', skills, models, log)
    expect(first.skill).toBe('time')
    await vi.waitFor(() => expect(said).toContain('learnt what the skills are asked for'), 60_000)
    expect((await learner.intentOf('wie spät ist es?', skills, models, log)).skill).toBe('time')
  }, 120_000)
})
