import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { webAddress } from '#shared/contract/events/address.ts'
import { createRootEvent } from '#shared/contract/events/event.ts'
import type { EventData } from '#shared/contract/events/event-types.ts'
import { newId } from '#shared/contract/events/ids.ts'
import { messageEvent, openTestKit, type TestKit } from '#shared/host/test-kit.ts'
import { mayContainFacts } from './facts.ts'
import memory from './handler.ts'

let kit: TestKit
let minutes: number
beforeEach(async () => {
  kit = await openTestKit()
  minutes = 0
})
afterEach(() => kit.close())

const nextTime = () => new Date(Date.UTC(2026, 2, 27, 9, ++minutes)).toISOString()
const envelope = () => ({ id: newId(), source: '/test', conversation: 'here', time: nextTime() })

async function say(text: string): Promise<string | undefined> {
  const { data: message, time } = messageEvent(text, { time: nextTime() })
  const intent = { skill: null, score: 1, candidates: [] }
  const data = { message, saidAt: time, intent }
  const [event] = await kit.send(
    memory,
    createRootEvent({ ...envelope(), type: 'lares.intent.recognised', data }),
  )
  return (event!.data as EventData<'lares.context.recalled'>).answer
}

/** Completes the reply to a message, and returns the request to the model to learn from it. */
async function completeReply(
  question: string,
  more: { saidAt?: string } = {},
): Promise<EventData<'lares.learning.requested'> | undefined> {
  const data = {
    ...{ person: 'alice', question, inReplyTo: 'm', answers: ['m'], text: 'I see.' },
    ...{ address: webAddress('c'), usage: { inputTokens: 0, outputTokens: 0 } },
    status: 'completed' as const,
    language: 'en' as const,
    ...more,
  }
  const [event] = await kit.send(
    memory,
    createRootEvent({ ...envelope(), type: 'lares.reply.completed', data }),
  )
  return event?.data as EventData<'lares.learning.requested'> | undefined
}

async function learn(asked: EventData<'lares.learning.requested'>, facts: object[]): Promise<void> {
  const { person, message, saidAt } = asked
  const data = { person, message, saidAt, facts } as EventData<'lares.facts.learnt'>
  expect(
    await kit.send(memory, createRootEvent({ ...envelope(), type: 'lares.facts.learnt', data })),
  ).toEqual([])
}

const KNOWN = 'what do you know about me?'

describe('a model is asked to look at a message', () => {
  it.each([
    'we are expecting twins in May',
    'Thanks! By the way our cat had to go to the vet yesterday',
    'I was wondering about the boiler. What could it be?',
    '我们下个月要搬家',
  ])('that tells of oneself: "%s"', text => expect(mayContainFacts(text)).toBe(true))

  it.each([
    'what is my code?',
    'tell me a joke',
    'please remind me at five',
    'the weather is nice',
    'hello',
    `I ${'went on '.repeat(200)}`,
    '提醒我买牛奶',
    '我的密码是什么？',
    '今天天气不错',
  ])('and not that which asks, orders or tells of other things: "%s"', text =>
    expect(mayContainFacts(text)).toBe(false),
  )

  it('with what is known, the newest first and this message included', async () => {
    await say('remember that I like green tea')
    const asked = await completeReply('My sister is called Anna, and we are expecting her twins in May')
    expect(asked).toMatchObject({ person: 'alice', message: 'm' })
    expect(asked!.known.map(({ text }) => text)).toEqual([
      'My sister is called Anna, and we are expecting her twins in May',
      'I like green tea',
    ])
  })

  it.each(['remember that we live in Rome', 'forget that I live in Rome', '忘记我住在罗马'])(
    'but not at "%s", which memory has done itself',
    async text => expect(await completeReply(text)).toBeUndefined(),
  )
})

test('what a model has found is known, once, with where it is from', async () => {
  const asked = await completeReply('we are expecting twins in May')
  for (const _ of [1, 2]) await learn(asked!, [{ text: 'My wife and I are expecting twins in May.' }])
  expect(await say(KNOWN)).toBe(
    'This is what I know about you:\n- Your wife and you are expecting twins in May.',
  )
  expect(await say('why did you say that?')).toContain('on 2026-03-27, in this conversation')
})

test('what replaces something takes its place, and the old is kept as older', async () => {
  await say('remember that our boiler is serviced by Meyer')
  const asked = await completeReply('we now have Schmidt for the boiler')
  await learn(asked!, [{ text: 'our boiler is serviced by Schmidt', replaces: asked!.known[0]!.id }])
  expect(await say(KNOWN)).toBe('This is what I know about you:\n- Our boiler is serviced by Schmidt.')
})

test('what replaces something that was forgotten meanwhile stands by itself', async () => {
  const asked = await completeReply('we now have Schmidt for the boiler')
  await learn(asked!, [{ text: 'our boiler is serviced by Schmidt', replaces: 'gone' }])
  expect(await say(KNOWN)).toContain('Schmidt')
})

test('what was forgotten meanwhile does not come back with what was told before', async () => {
  const asked = await completeReply('we are expecting twins in May')
  await learn(asked!, [{ text: 'we are expecting twins' }])
  await say('forget about the twins')
  await learn(asked!, [{ text: 'we are expecting twins' }])
  expect(await say(KNOWN)).toContain('I know nothing about you yet')
})

test('a reply that is put on the log again, later, brings nothing back that was forgotten since', async () => {
  const saidAt = nextTime()
  const tell = () => completeReply('I live in Berlin. We are expecting twins', { saidAt })
  await learn((await tell())!, [{ text: 'we are expecting twins' }])
  await say('forget everything about me')
  const again = await tell()
  expect(again).toMatchObject({ saidAt })
  await learn(again!, [{ text: 'we are expecting twins' }])
  expect(await say(KNOWN)).toContain('I know nothing about you yet')
})

test('"forget that" after something was told forgets what came of it, by rules and by a model', async () => {
  const asked = await completeReply('I live in Berlin. We are expecting twins')
  await learn(asked!, [{ text: 'we are expecting twins' }])
  const which = await say('forget that')
  expect(which).toMatch(/^\d\. We are expecting twins\.$/m)
  expect(which).toMatch(/^\d\. You live in Berlin\.$/m)
  await say('forget about the twins')
  await completeReply('I live in Rome')
  expect(await say('forget that')).toBe('I have forgotten it.')
  expect(await say('where do I live?')).toBeUndefined()
})
