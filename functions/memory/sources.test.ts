import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { createRootEvent } from '#shared/contract/events/event.ts'
import type { EventData } from '#shared/contract/events/event-types.ts'
import { newId } from '#shared/contract/events/ids.ts'
import { messageEvent, openTestKit, type TestKit } from '#shared/host/test-kit.ts'
import memory from './handler.ts'

let kit: TestKit
let day: number
beforeEach(async () => {
  kit = await openTestKit()
  day = 0
})
afterEach(() => kit.close())

type Where = { person?: string; conversation?: string }

/** Each message is one day after the one before, from 1 March 2026 on. */
function recognised(text: string, { person = 'alice', conversation = 'here' }: Where = {}) {
  const time = new Date(Date.UTC(2026, 2, ++day, 9)).toISOString()
  const { data: message } = messageEvent(text, { time, person })
  return createRootEvent({
    id: newId(),
    source: '/test',
    type: 'lares.intent.recognised',
    conversation,
    data: { message, saidAt: time, intent: { skill: null, score: 1, candidates: [] } },
  })
}

async function answer(event: ReturnType<typeof recognised>): Promise<string | undefined> {
  const [recalled] = await kit.send(memory, event)
  return (recalled!.data as EventData<'lares.context.recalled'>).answer
}
const say = (text: string, where?: Where) => answer(recognised(text, where))

describe('asked why', () => {
  it('tells when and where it was said, in this conversation or another', async () => {
    await say('remember that my bicycle lock code is 4711')
    await say('what is my bicycle lock code?', { conversation: 'there' })
    expect(await say('why did you say that?', { conversation: 'there' })).toBe(
      'Because of what you told me:\n- Your bicycle lock code is 4711. (on 2026-03-01, in another conversation)',
    )
    await say('what is my bicycle lock code?')
    expect(await say('How do you know that?')).toContain('on 2026-03-01, in this conversation')
  })

  it('tells all times that it was said', async () => {
    await say('remember that I live in Berlin')
    await say('remember that I live in Berlin', { conversation: 'there' })
    await say('where do I live?')
    expect(await say('where did you get that from?')).toContain(
      '(on 2026-03-02, in another conversation; on 2026-03-01, in this conversation)',
    )
  })

  it.each(['你为什么这么说？', '你怎么知道的？', '为什么这样回答'])('also with "%s"', async text => {
    await say('记住我的车锁密码是4711')
    await say('我的车锁密码是多少？')
    expect(await say(text)).toBe('因为你告诉过我：\n- 你的车锁密码是4711。 (2026-03-01，在这个对话里)')
  })

  it('says so when nothing was used', async () => {
    expect(await say('why did you say that?')).toContain('nothing that you told me')
    await say('remember that I live in Berlin')
    await say('tell me a joke')
    expect(await say('why did you say that?')).toContain('nothing that you told me')
  })

  it('never tells what somebody else was told, in one conversation too', async () => {
    await say('remember that my bicycle lock code is 4711')
    await say('what is my bicycle lock code?')
    expect(await say('why did you say that?', { person: 'bob' })).toContain('nothing that you told me')
    expect(await say('forget that', { person: 'bob' })).toContain('nothing that you told me')
    expect(await say('what is my bicycle lock code?')).toBe('Your bicycle lock code is 4711.')
  })
})

describe('asked to forget that', () => {
  it.each([
    ['remember that my bicycle lock code is 4711', 'forget that', 'what is my bicycle lock code?'],
    ['remember that I live in Berlin', 'please forget what I just told you', 'where do I live?'],
    ['记住我住在杭州', '忘掉这个', '我住在哪里？'],
    ['记住我住在杭州', '把刚才说的话忘掉吧', '我住在哪里？'],
  ])('after "%s", "%s" forgets it', async (told, wish, question) => {
    await say(told)
    expect(await say(wish)).toMatch(/I have forgotten it\.|好的，我已经忘掉了。/)
    expect(await say(question)).toBeUndefined()
  })

  it('forgets what the last answer came from, and what that had replaced', async () => {
    await say('remember that my bicycle lock code is 1234')
    await say('remember that my bicycle lock code is 4711')
    await say('remember that I live in Berlin')
    await say('what is my bicycle lock code?')
    await say('forget that')
    expect(await say('what is my bicycle lock code?')).toBeUndefined()
    expect(await say('what was my bicycle lock code before?')).toContain('I know of nothing')
    expect(await say('where do I live?')).toBe('You live in Berlin.')
  })

  describe('when that was more than one', () => {
    beforeEach(async () => {
      await say('remember that I like green tea')
      await say('remember that I like black coffee')
      await say('what do I like?')
    })
    const like = () => say('what do I like?')

    it('asks which, and is told in whole', async () => {
      expect(await say('forget that')).toBe(
        'My last answer came from more than one thing. Which one shall I forget?\n1. You like black coffee.\n2. You like green tea.',
      )
      await say('forget black coffee')
      expect(await like()).toBe('You like green tea.')
    })

    test.each([
      ['the first one', 'I have forgotten it.', 'You like green tea.'],
      ['2', 'I have forgotten it.', 'You like black coffee.'],
      ['the one about the tea', 'I have forgotten it.', 'You like black coffee.'],
      ['both', 'I have forgotten them.', undefined],
      ['第二个', '好的，我已经忘掉了。', 'You like black coffee.'],
      ['never mind', 'All right, I forget none of them.', 'You like black coffee. You like green tea.'],
      ['都不是', '好的，那就都留着。', 'You like black coffee. You like green tea.'],
    ])('takes "%s" for an answer', async (said, reply, left) => {
      await say('forget that')
      expect(await say(said)).toBe(reply)
      expect(await like()).toBe(left)
    })

    it('is answered once, and the same when the answer comes a second time', async () => {
      await say('forget that')
      const chosen = recognised('the first one')
      expect(await answer(chosen)).toBe('I have forgotten it.')
      expect(await answer(chosen)).toBe('I have forgotten it.')
      expect(await say('1')).toBeUndefined()
      expect(await like()).toBe('You like green tea.')
    })

    it('drops the question when something else is said, or asked by another', async () => {
      await say('forget that')
      expect(await say('1', { person: 'bob' })).toBeUndefined()
      expect(await say('1', { conversation: 'there' })).toBeUndefined()
      expect(await say('how are you?')).toBeUndefined()
      expect(await say('1')).toBeUndefined()
      expect(await like()).toBe('You like black coffee. You like green tea.')
    })
  })

  it('answers the same when it comes a second time, and forgets nothing else', async () => {
    await say('remember that I live in Berlin')
    const wish = recognised('forget that')
    expect(await answer(wish)).toBe('I have forgotten it.')
    await say('remember that I like green tea')
    expect(await answer(wish)).toBe('I have forgotten it.')
    expect(await say('what do I like?')).toBe('You like green tea.')
  })

  it('keeps no word of it', async () => {
    await say('remember that my bicycle lock code is 4711')
    await say('forget that')
    for (const collection of ['memories', 'memories-used', 'forgotten']) {
      const kept = await kit.store.records.list({ collection, person: 'alice', limit: 9 })
      expect(JSON.stringify(kept)).not.toContain('4711')
    }
  })

  test.each(['forget it', 'I forgot that', "don't forget that I live in Berlin"])(
    '"%s" is no such wish',
    async text => {
      await say('remember that I like green tea')
      await say(text)
      expect(await say('what do I like?')).toContain('You like green tea.')
    },
  )
})

describe('asked what held before', () => {
  it.each([
    [
      'my bicycle lock code is 4711',
      'my bicycle lock code is 5822',
      'what was my bicycle lock code before?',
      '4711',
    ],
    ['my wifi password is tulip', 'my wifi password is rose', 'what was my old wifi password?', 'tulip'],
    ['I live in Berlin', 'I live in Rome', 'where did I live before?', 'You live in Berlin'],
    ['我的车锁密码是4711', '我的车锁密码是5822', '我以前的车锁密码是多少？', '4711'],
    ['我住在杭州', '我住在北京', '我之前住在哪里？', '杭州'],
  ])(
    '"%s", then "%s": "%s" is answered with the old value and its time',
    async (old, now, question, value) => {
      const ask = (fact: string) => say(/^我/.test(fact) ? `记住${fact}` : `remember that ${fact}`)
      await ask(old)
      await ask(now)
      const told = await say(question)
      expect(told).toContain(value)
      expect(told).toContain('2026-03-02')
    },
  )

  it('says that it knows of none', async () => {
    await say('remember that my bicycle lock code is 4711')
    expect(await say('what was my bicycle lock code before?')).toBe('I know of nothing that it was before.')
  })
})
