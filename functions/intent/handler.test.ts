import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LaresError } from '#shared/base/errors.ts'
import { silentLogger } from '#shared/base/log.ts'
import { readEnvironment } from '#shared/config/environment.ts'
import type { Intent } from '#shared/contract/events/event-types.ts'
import { messageEvent, openTestKit, type TestKit } from '#shared/host/test-kit.ts'
import { openEmbedder } from '#shared/models/embedder.ts'
import { lazyTextGenerator } from '#shared/models/lazy-models.ts'
import calculator from '../skills/calculator/handler.ts'
import notes from '../skills/notes/handler.ts'
import reminder from '../skills/reminder/handler.ts'
import time from '../skills/time/handler.ts'
import { chineseUtterances, englishUtterances } from './development-set.fixture.ts'
import intent from './handler.ts'

const skills = [calculator, notes, reminder, time]
let kit: TestKit

const deploy = (functions: typeof skills) =>
  kit.services.catalogue!.write(
    functions.map(({ name, skill }) => ({ name, topics: [], emits: [], uses: [], concurrency: 1, skill })),
  )

beforeAll(async () => {
  kit = await openTestKit()
  kit.services.models = withoutModels()
  await deploy(skills)
})
afterAll(() => kit.close())

/** Words alone decide without a model; tests/integration/intent.test.ts covers the embeddings. */
function withoutModels() {
  const { embed } = openEmbedder(readEnvironment({ LARES_EMBEDDING_MODEL: 'none' }), silentLogger)
  const nothing = lazyTextGenerator(() => Promise.reject(new LaresError('unavailable', 'there is no model')))
  return { ...nothing, embed }
}

async function intentOf(text: string): Promise<Intent> {
  const [event] = await kit.send(intent, messageEvent(text))
  return (event!.data as { intent: Intent }).intent
}

async function accuracy(
  set: typeof englishUtterances,
): Promise<{ right: number; all: number; wrong: string[] }> {
  const wrong: string[] = []
  let all = 0
  for (const [skill, texts] of Object.entries(set))
    for (const text of texts) {
      all++
      const got = (await intentOf(text)).skill ?? 'none'
      if (got !== skill) wrong.push(`${text}: ${got} instead of ${skill}`)
    }
  return { right: all - wrong.length, all, wrong }
}

describe('intent', () => {
  it.each([
    ['English', englishUtterances],
    ['Chinese', chineseUtterances],
  ] as const)('is right for nine of ten things that people say in %s', async (language, set) => {
    const { right, all, wrong } = await accuracy(set)
    console.info(`${language}: ${right} of ${all} right`, wrong)
    expect(right / all).toBeGreaterThanOrEqual(0.9)
  })

  it.each([
    'what is the capital of France?',
    'tell me a joke',
    'what is my bicycle lock code?',
    'remember that my bicycle lock code is 4711',
    'how are you',
    'Berlin is nice this time of year',
    'I bought a calculator',
    '我的车锁密码是多少？',
    '',
    '12',
    'qzxv jkwp',
  ])('finds no skill in "%s"', async text => {
    expect((await intentOf(text)).skill).toBeNull()
  })

  it('leaves what begins with a slash alone', async () => {
    expect(await intentOf('/what time is it?')).toEqual({ skill: null, score: 1, candidates: [] })
  })

  it('tells how sure it is, with the candidates best first', async () => {
    const found = await intentOf('what time is it in Tokyo')
    expect(found.skill).toBe('time')
    expect(found.score).toBeGreaterThan(0.5)
    const scores = found.candidates.map(({ score }) => score)
    expect(scores).toEqual(scores.toSorted((a, b) => b - a))
    expect(found.candidates).toHaveLength(skills.length)
  })

  it('tells that two skills are close, and of nothing that is clear', async () => {
    expect(await intentOf('search my notes for the reminder')).toMatchObject({
      skill: 'notes',
      between: ['notes', 'reminder'],
    })
    for (const text of [englishUtterances, chineseUtterances].flatMap(set => Object.values(set).flat()))
      expect(await intentOf(text), text).not.toHaveProperty('between')
  })

  it('gives the same answer for a message that comes twice, and when it was said', async () => {
    const event = messageEvent('12 times 12', { time: '2026-03-27T09:00:00.000Z' })
    const [first] = await kit.send(intent, event)
    const [second] = await kit.send(intent, event)
    expect(second!.id).toBe(first!.id)
    expect(second!.data).toEqual(first!.data)
    expect((first!.data as { saidAt: string }).saidAt).toBe('2026-03-27T09:00:00.000Z')
  })

  it('takes under two milliseconds for a message once it has learnt', async () => {
    await intentOf('hello')
    const texts = [...Object.values(englishUtterances), ...Object.values(chineseUtterances)].flat()
    // Measures the test's own processor time, which does not depend on other load of the machine.
    const before = process.cpuUsage()
    for (const text of texts) await intentOf(text)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1_000 / texts.length).toBeLessThan(2)
  })
})

describe('when the deployed skills change', () => {
  it('an undeployed skill is not found any more and a new one is', async () => {
    const weather = {
      ...time,
      name: 'weather',
      skill: {
        ...time.skill!,
        name: 'weather',
        examples: ['will it rain?', 'is it sunny today?', 'how warm is it outside?'],
      },
    }
    await deploy([calculator, weather])
    expect((await intentOf('what time is it?')).skill).toBeNull()
    expect((await intentOf('is it warm and sunny outside today?')).skill).toBe('weather')
    await deploy(skills)
    expect((await intentOf('what time is it?')).skill).toBe('time')
  })

  it('without any skill everything is none', async () => {
    await deploy([])
    expect((await intentOf('2 + 2')).skill).toBeNull()
    await deploy(skills)
  })
})
