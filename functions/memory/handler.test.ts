import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { webAddress } from '#shared/contract/events/address.ts'
import { createRootEvent } from '#shared/contract/events/event.ts'
import type { EventData } from '#shared/contract/events/event-types.ts'
import { newId } from '#shared/contract/events/ids.ts'
import { type MessageOptions, messageEvent, openTestKit, type TestKit } from '#shared/host/test-kit.ts'
import memory from './handler.ts'

let kit: TestKit
let seconds: number
beforeEach(async () => {
  kit = await openTestKit()
  seconds = 0
})
afterEach(() => kit.close())

/** Each message is one second after the one before. */
const nextTime = () => new Date(Date.UTC(2026, 2, 27, 9, 0, seconds++)).toISOString()

function intentEvent(text: string, options: MessageOptions = {}) {
  const { data: message, time } = messageEvent(text, { time: nextTime(), ...options })
  return createRootEvent({
    id: options.id ?? newId(),
    source: '/test',
    type: 'lares.intent.recognised',
    conversation: 'conversation',
    data: { message, saidAt: time, intent: { skill: null, score: 1, candidates: [] } },
  })
}

async function say(text: string, options?: MessageOptions): Promise<EventData<'lares.context.recalled'>> {
  const [event] = await kit.send(memory, intentEvent(text, options))
  return event!.data as EventData<'lares.context.recalled'>
}

function replyEvent(question: string, { person = 'alice', time = nextTime() }: MessageOptions = {}) {
  const data = {
    person,
    question,
    inReplyTo: 'm',
    answers: ['m'],
    text: 'I see.',
    status: 'completed' as const,
  }
  const address = webAddress('conversation')
  const rest = { address, usage: { inputTokens: 0, outputTokens: 0 }, language: 'en' as const }
  return createRootEvent({
    id: newId(),
    source: '/test',
    type: 'lares.reply.completed',
    conversation: 'conversation',
    time,
    data: { ...data, ...rest },
  })
}

const sendCompletedReply = async (text: string, options?: MessageOptions) => {
  const made = await kit.send(memory, replyEvent(text, options))
  expect(made.map(({ type }) => type).filter(type => type !== 'lares.learning.requested')).toEqual([])
}

const texts = async (text: string, options?: MessageOptions) =>
  (await say(text, options)).memories.map(each => each.text)

describe('asked to remember', () => {
  it.each([
    ['remember that my bicycle lock code is 4711', 'I will remember that your bicycle lock code is 4711.'],
    ['Please remember: I am allergic to nuts.', 'I will remember that you are allergic to nuts.'],
    ["don't forget that my wife and I live in Rome", 'I will remember that your wife and you live in Rome.'],
    ['can you remember that you are my friend?', 'I will remember that I am your friend.'],
    ['记住我的车锁密码是4711', '好的，我会记住：你的车锁密码是4711。'],
    ['记得我喜欢喝绿茶', '好的，我会记住：你喜欢喝绿茶。'],
    ['帮我记住我妹妹叫小红', '好的，我会记住：你妹妹叫小红。'],
  ])('"%s" is confirmed with "%s"', async (text, confirmation) => {
    expect((await say(text)).answer).toBe(confirmation)
  })

  it('keeps it before it says so, and once even when the event comes again', async () => {
    const event = intentEvent('remember that my bicycle lock code is 4711')
    const [first] = await kit.send(memory, event)
    const [second] = await kit.send(memory, event)
    expect(second).toEqual({ ...first, time: expect.any(String) })
    const kept = await kit.store.records.list({ collection: 'memories', person: 'alice', limit: 9 })
    expect(kept.map(({ text }) => text)).toEqual(['my bicycle lock code is 4711'])
  })

  it.each([
    'remember to call mom',
    'call me when you are done',
    'call me later',
    'do you remember my code?',
    'remember when we met?',
    '记得买牛奶',
    '你记得我的密码吗？',
  ])('keeps nothing of "%s"', async text => {
    expect((await say(text)).answer).toBeUndefined()
    await sendCompletedReply(text)
    expect((await say('what do you know about me?')).answer).toContain('nothing')
  })
})

describe('asked for what was told', () => {
  it.each([
    [
      'remember that my bicycle lock code is 4711',
      'what is my bicycle lock code?',
      'Your bicycle lock code is 4711.',
    ],
    ['my bicycle lock code is 4711', "What's the code of my bicycle lock", 'Your bicycle lock code is 4711.'],
    ['my bicycle lock code is 4711', 'do you know my lock code?', 'Your bicycle lock code is 4711.'],
    ['I live in Berlin', 'where do I live?', 'You live in Berlin.'],
    ['I like to drink green tea', 'what do I like to drink', 'You like to drink green tea.'],
    ["I'm allergic to nuts", 'what am I allergic to?', 'You are allergic to nuts.'],
    ['my name is Alice', 'do you remember what my name is?', 'Your name is Alice.'],
    ['my sister is called Anna', "what is my sister's name?", 'Your sister is called Anna.'],
    [
      'remember that the wifi password is hunter2',
      'what is the wifi password?',
      'The wifi password is hunter2.',
    ],
    ['记住我的车锁密码是4711', '我的车锁密码是多少？', '你的车锁密码是4711。'],
    ['我住在杭州', '我住在哪里？', '你住在杭州。'],
    ['我叫小明', '我叫什么名字？', '你叫小明。'],
    ['我喜欢喝绿茶', '你知道我喜欢喝什么吗？', '你喜欢喝绿茶。'],
    ['我对花生过敏', '我对什么过敏？', '你对花生过敏。'],
    ['我的生日是5月3日', '我的生日是什么时候', '你的生日是5月3日。'],
  ])('told "%s" and asked "%s" it says "%s"', async (told, question, answer) => {
    await say(told)
    await sendCompletedReply(told)
    expect((await say(question)).answer).toBe(answer)
  })

  it.each([
    ['my bicycle lock code is 4711', 'how do I change my bicycle lock code?'],
    ['my bicycle lock code is 4711', 'what is the capital of France?'],
    ['I like green tea', 'what do I like to drink?'],
    ["my sister's name is Anna", 'what is my name?'],
    ['我妹妹叫小红', '我叫什么名字？'],
    ['my name is Alice', 'I am Alice'],
  ])('told "%s" it leaves "%s" to the model', async (told, question) => {
    await sendCompletedReply(told)
    expect((await say(question)).answer).toBeUndefined()
  })

  it('gives the newer of two facts about the same thing', async () => {
    await sendCompletedReply('my bicycle lock code is 4711')
    await say('remember that my bicycle lock code is 9999')
    expect((await say('what is my bicycle lock code?')).answer).toBe('Your bicycle lock code is 9999.')
    expect(await texts('I forgot the code of the bicycle')).toEqual(['my bicycle lock code is 9999'])
    await sendCompletedReply('my bicycle lock code is 4711')
    expect((await say('what is my bicycle lock code?')).answer).toBe('Your bicycle lock code is 4711.')
  })

  it.each([
    ['remember that my code is 1', 'no, my code is 2', 'what is my code?', 'Your code is 2.'],
    ['remember that my code is 1', 'actually my code is 2', 'what is my code?', 'Your code is 2.'],
    ['remember that my code is 1', 'my code has been changed to 2', 'whats my code', 'Your code is 2.'],
    ['I live in Berlin', 'I just moved to Rome', 'where do I live?', 'You live in Rome.'],
    [
      'my favourite colour is green',
      'my favorite color is blue',
      'what is my favourite colour?',
      'Your favorite color is blue.',
    ],
    ['记住我的密码是1', '我的密码改成2了', '我的密码是多少', '你的密码是2。'],
    ['我住在上海', '我搬到北京了', '我住哪儿？', '你住在北京。'],
  ])('told "%s", then "%s", and asked "%s" it says "%s"', async (told, changed, question, answer) => {
    for (const text of [told, changed]) {
      await say(text)
      await sendCompletedReply(text)
    }
    expect((await say(question)).answer).toBe(answer)
  })

  it.each([
    ['remeber that my pin is 1234', 'what is my pin?', 'Your pin is 1234.'],
    ['remember: my bike lock code = 4711', "what's my bike lock code?", 'Your bike lock code = 4711.'],
    ['my doctor is Dr. Smith', 'who is my doctor?', 'Your doctor is Dr. Smith.'],
    [
      'remember that the spare key is under the mat',
      'where is the spare key?',
      'The spare key is under the mat.',
    ],
    ['帮我记住，我的wifi密码是hunter2', '我的wifi密码是多少？', '你的wifi密码是hunter2。'],
    ['我的车停在三层', '我的车停在哪里？', '你的车停在三层。'],
  ])('told "%s" and asked "%s" it says "%s"', async (told, question, answer) => {
    await say(told)
    await sendCompletedReply(told)
    expect((await say(question)).answer).toBe(answer)
  })

  it('reads what was made to take long as quickly', async () => {
    for (const part of [
      'please ',
      'remember that ',
      'my is ',
      'forget ',
      'no, ',
      '我的是',
      '记住',
      'a ',
      ' ',
      '. ',
    ]) {
      const started = performance.now()
      await say(part.repeat(20_000 / part.length))
      await sendCompletedReply(part.repeat(900 / part.length))
      expect(performance.now() - started, part).toBeLessThan(3_000)
    }
  })

  it('does not take an old fact for new when its event comes again', async () => {
    const old = intentEvent('记住我的车锁密码是4711')
    await kit.send(memory, old)
    await say('记住我的车锁密码是9999')
    await kit.send(memory, old)
    expect((await say('我的车锁密码是多少')).answer).toBe('你的车锁密码是9999。')
  })

  it('asks the model when two memories could be meant', async () => {
    await sendCompletedReply('my bicycle lock code is 4711')
    await sendCompletedReply('my garage lock code is 1234')
    const recalled = await say('what is my lock code?')
    expect(recalled.answer).toBeUndefined()
    expect(recalled.memories).toHaveLength(2)
  })
})

describe('recall', () => {
  it('gives at most five memories, none without a shared word that means something', async () => {
    for (const dish of ['soup', 'rice', 'bread', 'fish', 'cake', 'salad'])
      await sendCompletedReply(`I like ${dish} for dinner`)
    expect(await texts('what should I cook for dinner?')).toHaveLength(5)
    expect(await texts('what is the capital of France?')).toEqual([])
    expect(await texts('晚饭吃什么好？')).toEqual([])
  })

  it('never gives what another person told', async () => {
    await say('remember that my bicycle lock code is 4711', { person: 'bob' })
    const recalled = await say('what is my bicycle lock code?')
    expect(recalled.memories).toEqual([])
    expect(recalled.answer).toBeUndefined()
  })

  it('keeps facts stated in passing, not questions or small talk', async () => {
    await sendCompletedReply('I live in Berlin. What should I do today? I like it here.')
    await sendCompletedReply('我喜欢你\n我是素食者。今天怎么样？')
    expect((await say('what do you know about me?')).answer).toBe(
      'This is what I know about you:\n- 你是素食者。\n- You live in Berlin.',
    )
  })

  it('takes at most a kilobyte of a prompt', async () => {
    for (let at = 0; at < 5; at++) await say(`remember that my story ${at} is about ${'tea '.repeat(100)}`)
    const bytes = Buffer.byteLength((await texts('tell my story about tea')).join(''))
    expect(bytes).toBeGreaterThan(0)
    expect(bytes).toBeLessThanOrEqual(1_000)
  })

  it('leaves commands alone', async () => {
    await sendCompletedReply('I like help')
    expect(await say('/help')).toMatchObject({ memories: [] })
  })
})

describe('asked to forget', () => {
  it.each([
    ['my bicycle lock code is 4711', 'forget my bicycle lock code', 'what is my bicycle lock code?'],
    ['I like jazz', 'forget that I like jazz', 'what do I like?'],
    ['我的车锁密码是4711', '忘记我的车锁密码', '我的车锁密码是多少？'],
    ['我住在杭州', '把我住在杭州忘掉', '我住在哪里？'],
  ])('told "%s" and "%s" it does not know "%s"', async (told, request, question) => {
    await sendCompletedReply(told)
    expect((await say(request)).answer).toBeDefined()
    expect((await say(question)).answer).toBeUndefined()
    expect((await say('what do you know about me?')).answer).toContain('nothing')
  })

  it('says the same when the request comes again', async () => {
    await sendCompletedReply('I like jazz')
    const event = intentEvent('forget about jazz')
    const [first] = await kit.send(memory, event)
    const [second] = await kit.send(memory, event)
    expect(second!.data).toEqual(first!.data)
  })

  it('does not bring back what was forgotten when its event comes again', async () => {
    const told = intentEvent('remember that I like jazz')
    await kit.send(memory, told)
    await say('forget that I like jazz')
    await kit.send(memory, told)
    expect((await say('what do you know about me?')).answer).toContain('nothing')
    await say('remember that I like jazz')
    expect((await say('what do I like?')).answer).toBe('You like jazz.')
  })

  it('forgets an older fact about the same thing along with the newer', async () => {
    await sendCompletedReply('my bicycle lock code is 4711')
    await sendCompletedReply('my bicycle lock code is 9999')
    await say('forget my bicycle lock code')
    expect((await say('what do you know about me?')).answer).toContain('nothing')
  })

  it('forgets everything about this person and no other', async () => {
    await sendCompletedReply('I like jazz')
    await sendCompletedReply('I like rock', { person: 'bob' })
    await say('forget everything about me')
    expect((await say('what do you know about me?')).answer).toContain('nothing')
    expect((await say('what do you know about me?', { person: 'bob' })).answer).toContain('You like rock.')
  })

  it.each(['forget it', 'I forget everything', 'forget the reminder about tea', '忘了吧', '删除提醒'])(
    'forgets nothing because of "%s"',
    async text => {
      await sendCompletedReply('I like tea')
      expect((await say(text)).answer).toBeUndefined()
      expect((await say('what do I like?')).answer).toBe('You like tea.')
    },
  )
})
