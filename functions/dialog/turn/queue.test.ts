import { expect, test } from 'vitest'
import { assistant, openTestConversation, prompts, replies, requests } from '../talk.fixture.ts'

const queueLengthOf = (talk: ReturnType<typeof openTestConversation>) => talk.state.waiting.length

test('in mode queue a message waits for the turn before it, and is taken up with its reply', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  expect(talk.say('m2', 'two')).toEqual([])
  expect(talk.say('m3', 'three')).toEqual([])
  expect(['m1', 'm2', 'm3'].map(talk.status)).toEqual(['answering', 'queued', 'queued'])
  const drafts = talk.generated('m1', 'One!')
  expect(drafts.map(({ type, correlationid }) => [type, correlationid])).toEqual([
    ['lares.reply.completed', 'm1'],
    ['lares.prompt.composed', 'm2'],
  ])
  expect(['m1', 'm2', 'm3'].map(talk.status)).toEqual(['answered', 'answering', 'queued'])
})

test('what needs no model is answered in its order in one step', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  talk.say('m2', 'two', { answer: 'Two!' })
  talk.say('m3', 'what time is it?', { skill: 'time' })
  const drafts = talk.generated('m1', 'One!')
  expect(replies(drafts).map(({ text }) => text)).toEqual(['One!', 'Two!'])
  expect(requests(drafts)).toMatchObject([{ correlationid: 'm3' }])
})

test('a message beyond what may wait is refused at once, visibly', () => {
  const talk = openTestConversation({ assistant: { ...assistant, maxWaiting: 1 } })
  talk.say('m1', 'one')
  talk.say('m2', 'two')
  expect(replies(talk.say('m3', 'three'))).toMatchObject([
    { inReplyTo: 'm3', status: 'failed', text: expect.stringContaining('Too many messages') },
  ])
  expect(talk.status('m3')).toBe('failed')
  expect(queueLengthOf(talk)).toBe(1)
})

test('very long messages may not wait in any number', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  for (const at of [2, 3, 4]) talk.say(`m${at}`, 'x'.repeat(600_000))
  expect(['m2', 'm3', 'm4'].map(talk.status)).toEqual(['queued', 'queued', 'failed'])
})

test('in mode merge all that wait are answered as one, and all count as answered', () => {
  const talk = openTestConversation({ mode: 'merge' })
  const memory = (id: string, score: number) => ({ id, text: id, score, createdAt: '2026-01-01T00:00:00Z' })
  talk.say('m1', 'one')
  talk.say('m2', 'two', { memories: [memory('a', 0.1), memory('b', 0.5)] })
  talk.say('m3', 'three', { memories: [memory('b', 0.5)], skill: 'time' })
  const [prompt] = prompts(talk.generated('m1', 'One!'))
  expect(prompt!.messages.at(-1)).toEqual({ role: 'user', content: 'two\nthree' })
  expect(prompt!.messages[0]!.content).toContain('- b\n- a')
  expect(replies(talk.generated('m3', 'Both!'))).toMatchObject([
    { inReplyTo: 'm3', answers: ['m2', 'm3'], question: 'two\nthree', text: 'Both!' },
  ])
  expect(['m2', 'm3'].map(talk.status)).toEqual(['answered', 'answered'])
})

test('merged messages whose one skill a model without tools could not use go to the skill', () => {
  const talk = openTestConversation({ mode: 'merge', tools: false })
  talk.say('m1', 'one')
  talk.say('m2', 'please')
  talk.say('m3', 'what time is it?', { skill: 'time' })
  expect(requests(talk.generated('m1', 'One!'))).toMatchObject([
    { type: 'lares.skill.time.requested', data: { text: 'please\nwhat time is it?' } },
  ])
})

test('in mode interrupt a new message ends the running turn, visibly, and is taken up', () => {
  const talk = openTestConversation({ mode: 'interrupt' })
  talk.say('m1', 'one')
  const drafts = talk.say('m2', 'two')
  expect(replies(drafts)).toMatchObject([{ inReplyTo: 'm1', status: 'interrupted', text: '(Interrupted.)' }])
  expect(prompts(drafts)).toHaveLength(1)
  expect(['m1', 'm2'].map(talk.status)).toEqual(['interrupted', 'answering'])
  expect(talk.generated('m1', 'One!')).toEqual([])
  expect(replies(talk.generated('m2', 'Two!'))).toMatchObject([{ inReplyTo: 'm2', status: 'completed' }])
})

test('messages that wait from another mode are interrupted too', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  talk.say('m2', 'two')
  talk.surroundings.assistant.mode = 'interrupt'
  const drafts = talk.say('m3', 'three')
  expect(replies(drafts).map(({ inReplyTo, status }) => [inReplyTo, status])).toEqual([
    ['m1', 'interrupted'],
    ['m2', 'interrupted'],
  ])
  expect(talk.status('m3')).toBe('answering')
})
