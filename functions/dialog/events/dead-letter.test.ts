import { expect, test } from 'vitest'
import { parseState } from '../state.ts'
import { assistant, createRecalled, openTestConversation, prompts, replies } from '../talk.fixture.ts'

const messageData = (text: string, language = 'en') => ({ person: 'ann', text, language })

test.each([
  ['lares.message.received', messageData('hello'), 'understanding the message failed'],
  ['lares.message.received', messageData('你好', 'zh'), '理解消息出了问题'],
  ['lares.intent.recognised', createRecalled('hello'), 'the memory failed'],
  ['lares.context.recalled', createRecalled('hello'), 'the conversation failed'],
] as const)(
  'a message that died as %s is answered with an apology that names the part',
  (type, data, words) => {
    const talk = openTestConversation()
    expect(replies(talk.died(type, 'm1', data))).toMatchObject([
      { inReplyTo: 'm1', answers: ['m1'], status: 'failed', text: expect.stringContaining(words) },
    ])
    expect(talk.status('m1')).toBe('failed')
  },
)

test('the apology for a message that died on its way waits for the messages before it', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  expect(talk.died('lares.message.received', 'm2', messageData('two'))).toEqual([])
  talk.say('m3', 'three')
  const drafts = talk.generated('m1', 'One!')
  expect(replies(drafts).map(({ inReplyTo, status }) => [inReplyTo, status])).toEqual([
    ['m1', 'completed'],
    ['m2', 'failed'],
  ])
  expect(prompts(drafts)).toHaveLength(1)
})

test('a message that comes after all, before its apology was said, is answered as any other', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  talk.died('lares.message.received', 'm2', messageData('two'))
  talk.say('m2', 'two')
  expect(replies(talk.generated('m1', 'One!'))).toHaveLength(1)
  expect(replies(talk.generated('m2', 'Two!'))).toMatchObject([{ inReplyTo: 'm2', status: 'completed' }])
})

test('when too many wait, the apology is said at once', () => {
  const talk = openTestConversation({ assistant: { ...assistant, maxWaiting: 1 } })
  talk.say('m1', 'one')
  talk.say('m2', 'two')
  expect(replies(talk.died('lares.message.received', 'm3', messageData('three')))).toHaveLength(1)
})

test('a dead prompt ends its turn with an apology, and the next message is taken up', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  talk.say('m2', 'two')
  const drafts = talk.died('lares.prompt.composed', 'm1', { step: 0 })
  expect(replies(drafts)).toMatchObject([
    { inReplyTo: 'm1', status: 'failed', text: expect.stringContaining('the language model failed') },
  ])
  expect(prompts(drafts)).toHaveLength(1)
  expect(['m1', 'm2'].map(talk.status)).toEqual(['failed', 'answering'])
})

test('the apology tells slowness from failure', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  const drafts = talk.died('lares.prompt.composed', 'm1', { step: 0 }, 'deadline_exceeded')
  expect(replies(drafts)[0]!.text).toContain('the language model took too long')
})

test('a dead request to the skill that reads the words ends the turn', () => {
  const talk = openTestConversation()
  talk.say('m1', 'what time is it?', { skill: 'time' })
  const drafts = talk.died('lares.skill.time.requested', 'm1', { callId: 'm1/text', step: 0 })
  expect(replies(drafts)[0]!.text).toContain('the skill "time" failed')
})

test('a dead call of the model is an error for it to read, and it goes on', () => {
  const talk = openTestConversation()
  talk.say('m1', 'what time is it?')
  talk.generated('m1', '', { calls: ['time', 'notes'] })
  talk.returned('m1', 'm1/0/1', 'Noted.')
  const drafts = talk.died('lares.skill.time.requested', 'm1', { callId: 'm1/0/0', step: 0 })
  expect(replies(drafts)).toEqual([])
  expect(prompts(drafts)[0]!.messages.at(-2)).toMatchObject({
    role: 'tool',
    content: expect.stringContaining('failed'),
  })
})

test('a dead call whose data travelled apart is found by its skill', () => {
  const talk = openTestConversation()
  talk.say('m1', 'what time is it?')
  talk.generated('m1', '', { calls: ['time'] })
  expect(prompts(talk.died('lares.skill.time.requested', 'm1'))).toHaveLength(1)
})

test('dead letters of what does not hold up a turn change nothing', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  const before = structuredClone(talk.state)
  expect(talk.died('lares.reply.completed', 'm1', {})).toEqual([])
  expect(talk.died('lares.stream.extended', 'm1', { step: 0 })).toEqual([])
  expect(talk.died('lares.prompt.composed', 'other', { step: 0 })).toEqual([])
  expect(talk.died('lares.prompt.composed', 'm1', { step: 3 })).toEqual([])
  expect(talk.died('lares.skill.time.requested', 'm1', { callId: 'm1/text' })).toEqual([])
  expect(talk.died('lares.context.recalled', 'm1', createRecalled('one'))).toEqual([])
  expect(talk.state).toEqual(before)
})

test('a message that failed already is not failed again', () => {
  const talk = openTestConversation()
  talk.died('lares.message.received', 'm1', messageData('one'))
  expect(talk.died('lares.intent.recognised', 'm1', createRecalled('one'))).toEqual([])
})

test('when a dead prompt is put back, what the model says is the late reply', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  talk.died('lares.prompt.composed', 'm1', { step: 0 })
  expect(replies(talk.generated('m1', 'One, late.'))).toMatchObject([
    { inReplyTo: 'm1', status: 'completed', text: 'One, late.' },
  ])
  expect(talk.status('m1')).toBe('answered')
  expect(talk.generated('m1', 'One, later.')).toEqual([])
})

test('a turn that goes on late waits for the one that runs', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  talk.died('lares.prompt.composed', 'm1', { step: 0 })
  talk.say('m2', 'two')
  expect(talk.generated('m1', 'One, late.')).toEqual([])
  expect(replies(talk.generated('m2', 'Two!')).map(({ text }) => text)).toEqual(['Two!', 'One, late.'])
})

test('a dead request that is put back gives the late reply by its result', () => {
  const talk = openTestConversation()
  talk.say('m1', 'what time is it?', { skill: 'time' })
  talk.died('lares.skill.time.requested', 'm1', { callId: 'm1/text' })
  expect(talk.returned('m1', 'm1/other', 'Noon.')).toEqual([])
  expect(replies(talk.returned('m1', 'm1/text', 'Noon.'))).toMatchObject([{ text: 'Noon.' }])
})

test('a message that died on its way and was put back is answered late', () => {
  const talk = openTestConversation()
  talk.died('lares.message.received', 'm1', messageData('one'))
  expect(prompts(talk.say('m1', 'one'))).toHaveLength(1)
  expect(replies(talk.generated('m1', 'One, late.'))).toMatchObject([{ inReplyTo: 'm1' }])
})

test('a late turn that fails again, or is stopped, does so quietly: the person knows that it failed', () => {
  const talk = openTestConversation()
  talk.died('lares.message.received', 'm1', messageData('one'))
  talk.say('m1', 'one')
  expect(talk.died('lares.prompt.composed', 'm1', { step: 0 })).toEqual([])
  expect(talk.status('m1')).toBe('failed')
  talk.say('m1', 'one')
  expect(replies(talk.say('m2', '/stop'))).toMatchObject([{ inReplyTo: 'm2' }])
  expect(talk.status('m1')).toBe('failed')
})

test('a reply that may not be on the log takes its place before the next one', () => {
  const talk = openTestConversation()
  const [first] = talk.say('m1', '/help')
  talk.loseTrack()
  expect(talk.say('m2', '/help')).toMatchObject([
    { data: first!.data, correlationid: 'm1', index: 0 },
    { data: { inReplyTo: 'm2' } },
  ])
  talk.loseTrack()
  talk.say('m3', 'one')
  expect(replies(talk.generated('m3', 'One.')).map(({ inReplyTo }) => inReplyTo)).toEqual(['m1', 'm2', 'm3'])
  expect(replies(talk.say('m4', '/help')).map(({ inReplyTo }) => inReplyTo)).toEqual(['m4'])
})

test('what steps in a row could not put on the log stays in its order, until one of them is known to be there', () => {
  const talk = openTestConversation()
  const answered = (message: string) => replies(talk.say(message, '/help')).map(({ inReplyTo }) => inReplyTo)
  answered('m1')
  talk.loseTrack()
  answered('m2')
  talk.loseTrack()
  expect(answered('m3')).toEqual(['m1', 'm2', 'm3'])
  expect(answered('m4')).toEqual(['m4'])
  for (let n = 5; n < 20; n++) {
    talk.loseTrack()
    expect(answered(`m${n}`).length).toBeLessThanOrEqual(9)
  }
})

test('a state that was stored with one such step, or with none, is read', () => {
  const talk = openTestConversation()
  talk.say('m1', '/help')
  const { state } = talk
  const [only] = state.unpublished
  expect(parseState({ ...state, unpublished: only })?.unpublished).toEqual([only])
  expect(parseState({ ...state, unpublished: null })?.unpublished).toEqual([])
})

test('all that a step said takes its place before the next reply', () => {
  const talk = openTestConversation({ mode: 'interrupt' })
  talk.say('m1', 'one')
  expect(replies(talk.say('m2', '/stop')).map(({ inReplyTo }) => inReplyTo)).toEqual(['m1', 'm2'])
  talk.loseTrack()
  const next = replies(talk.say('m3', '/help'))
  expect(next.map(({ inReplyTo }) => inReplyTo)).toEqual(['m1', 'm2', 'm3'])
})

test('in mode interrupt a new message goes before what is late, and does not lose it', () => {
  const talk = openTestConversation({ mode: 'interrupt' })
  talk.say('m1', 'one')
  talk.died('lares.prompt.composed', 'm1', { step: 0 })
  talk.say('m2', 'two')
  talk.generated('m1', 'One, late.')
  const drafts = talk.say('m3', 'three')
  expect(replies(drafts)).toMatchObject([{ inReplyTo: 'm2', status: 'interrupted' }])
  expect(replies(talk.generated('m3', 'Three!')).map(({ text }) => text)).toEqual(['Three!', 'One, late.'])
})
