import { expect, test } from 'vitest'
import { webOrigin } from '#shared/contract/events/address.ts'
import { step } from './step.ts'
import {
  createRecalled,
  NOW,
  openTestConversation,
  prompts,
  replies,
  requests,
  skillManifest,
} from './talk.fixture.ts'

const { address, sender } = webOrigin('ann', 'c')

test('a message becomes a prompt, and what the model says becomes the reply', () => {
  const talk = openTestConversation()
  const asked = talk.say('m1', 'who wrote Faust?')
  expect(asked.map(({ type, correlationid }) => [type, correlationid])).toEqual([
    ['lares.prompt.composed', 'm1'],
  ])
  expect(prompts(asked)[0]).toMatchObject({ step: 0, offset: 0 })
  expect(talk.status('m1')).toBe('answering')
  const answered = talk.generated('m1', 'Goethe.')
  expect(answered).toEqual([
    {
      type: 'lares.reply.completed',
      correlationid: 'm1',
      data: {
        person: 'ann',
        address,
        sender,
        inReplyTo: 'm1',
        answers: ['m1'],
        question: 'who wrote Faust?',
        saidAt: '2026-11-24T12:00:00.000Z',
        text: 'Goethe.',
        status: 'completed',
        usage: { inputTokens: 10, outputTokens: 2 },
        language: 'en',
      },
    },
  ])
  expect(talk.rows()).toEqual([
    {
      id: 'm1',
      role: 'user',
      text: 'who wrote Faust?',
      inReplyTo: null,
      createdAt: NOW,
      status: 'answered',
      address,
      sender,
    },
    expect.objectContaining({
      role: 'assistant',
      text: 'Goethe.',
      inReplyTo: 'm1',
      status: 'completed',
      address,
    }),
  ])
  expect(talk.state.turn).toBeNull()
})

test('the history tells what came with a message, also when dialog writes it first', () => {
  const talk = openTestConversation()
  const attachments = [{ name: 'cat.png', mediaType: 'image/png', object: 'somewhere', bytes: 1 }]
  talk.say('m1', 'look', { attachments })
  expect(talk.rows()[0]).toMatchObject({
    id: 'm1',
    attachments: [{ name: 'cat.png', mediaType: 'image/png', bytes: 1 }],
  })
  expect(JSON.stringify(talk.rows())).not.toContain('somewhere')
})

test('an answer that memory vouches for needs no model', () => {
  const talk = openTestConversation()
  const drafts = talk.say('m1', 'what is my lock code?', { answer: 'It is 4711.' })
  expect(prompts(drafts)).toEqual([])
  expect(replies(drafts)).toMatchObject([{ text: 'It is 4711.', status: 'completed', inReplyTo: 'm1' }])
  expect(talk.status('m1')).toBe('answered')
})

test('a skill that reads words is asked with the words, and its text is the reply', () => {
  const talk = openTestConversation()
  const asked = talk.say('m1', 'what time is it?', { skill: 'time', saidAt: '2026-11-24T11:59:00.000Z' })
  expect(asked).toEqual([
    {
      type: 'lares.skill.time.requested',
      correlationid: 'm1',
      data: {
        callId: 'm1/text',
        step: 0,
        person: 'ann',
        input: null,
        text: 'what time is it?',
        language: 'en',
        timeZone: 'Europe/Berlin',
        saidAt: '2026-11-24T11:59:00.000Z',
        address,
        sender,
      },
    },
  ])
  expect(replies(talk.returned('m1', 'm1/text', 'It is noon.'))).toMatchObject([
    { text: 'It is noon.', status: 'completed' },
  ])
})

test('a skill that failed has its words for the reply, which counts as failed', () => {
  const talk = openTestConversation()
  talk.say('m1', 'what time is it on Mars?', { skill: 'time' })
  expect(replies(talk.returned('m1', 'm1/text', 'I do not know Mars.', 'failed'))).toMatchObject([
    { text: 'I do not know Mars.', status: 'failed' },
  ])
  expect(talk.status('m1')).toBe('failed')
})

test('when a skill declines, the model is asked, and may use the skills', () => {
  const talk = openTestConversation()
  talk.say('m1', 'time flies', { skill: 'time' })
  const [prompt] = prompts(talk.returned('m1', 'm1/text', '', 'declined'))
  expect(prompt).toMatchObject({ step: 0 })
  expect(prompt!.tools.map(({ name }) => name)).toEqual(['notes', 'time'])
})

test.each([
  ['needs its input filled', 'notes'],
  ['is not deployed', 'gone'],
])('an intent whose skill %s goes to the model', (_, name) => {
  expect(prompts(openTestConversation().say('m1', 'note this', { skill: name }))).toHaveLength(1)
})

test('the calls of one step go out together, and the model goes on when all results are there', () => {
  const talk = openTestConversation()
  talk.say('m1', 'note the time')
  const called = talk.generated('m1', '', { calls: ['time', 'notes'] })
  expect(requests(called).map(({ type, data }) => [type, data.callId, data.input])).toEqual([
    ['lares.skill.time.requested', 'm1/0/0', { what: '0' }],
    ['lares.skill.notes.requested', 'm1/0/1', { what: '1' }],
  ])
  expect(talk.returned('m1', 'm1/0/1', 'Noted.')).toEqual([])
  const [prompt] = prompts(talk.returned('m1', 'm1/0/0', 'Noon.'))
  expect(prompt!.step).toBe(1)
  expect(prompt!.messages.slice(-4)).toEqual([
    { role: 'user', content: 'note the time' },
    {
      role: 'assistant',
      content: '',
      toolCalls: [
        { id: 'call-0', name: 'time', arguments: { what: '0' } },
        { id: 'call-1', name: 'notes', arguments: { what: '1' } },
      ],
    },
    { role: 'tool', content: 'Noon.', toolCallId: 'call-0' },
    { role: 'tool', content: 'Noted.', toolCallId: 'call-1' },
  ])
  const [reply] = replies(talk.generated('m1', 'Done.', { step: 1 }))
  expect(reply).toMatchObject({ text: 'Done.', usage: { inputTokens: 20, outputTokens: 4 } })
})

test('what the model says before its calls begins the reply, and the next step is streamed behind it', () => {
  const talk = openTestConversation()
  talk.say('m1', 'what time is it?')
  talk.generated('m1', 'Let me see.', { calls: ['time'] })
  const [prompt] = prompts(talk.returned('m1', 'm1/0/0', 'Noon.'))
  expect(prompt!.offset).toBe('Let me see.\n\n'.length)
  expect(replies(talk.generated('m1', 'It is noon.', { step: 1 }))[0]!.text).toBe(
    'Let me see.\n\nIt is noon.',
  )
})

test('a step that says only whitespace adds nothing to the reply', () => {
  const talk = openTestConversation()
  talk.say('m1', 'what time is it?')
  talk.generated('m1', ' \n', { calls: ['time'] })
  expect(prompts(talk.returned('m1', 'm1/0/0', 'Noon.'))[0]!.offset).toBe(0)
  expect(replies(talk.generated('m1', 'Noon.', { step: 1 }))[0]!.text).toBe('Noon.')
})

test('a tool that there is not is an error for the model to read', () => {
  const talk = openTestConversation()
  talk.say('m1', 'fly to the moon')
  const [prompt] = prompts(talk.generated('m1', '', { calls: ['rocket'] }))
  expect(prompt!.messages.at(-1)).toEqual({
    role: 'tool',
    content: 'There is no tool "rocket".',
    toolCallId: 'call-0',
  })
})

test('a failed call is for the model to read', () => {
  const talk = openTestConversation()
  talk.say('m1', 'note this')
  talk.generated('m1', '', { calls: ['notes'] })
  const [prompt] = prompts(talk.returned('m1', 'm1/0/0', 'the input of notes is wrong', 'failed'))
  expect(prompt!.messages.at(-1)).toMatchObject({ role: 'tool', content: 'the input of notes is wrong' })
})

test('the last prompt that a turn may send offers no tools, and calls in its answer are not made', () => {
  const talk = openTestConversation()
  talk.say('m1', 'what time is it?')
  for (const step of [0, 1, 2]) {
    talk.generated('m1', '', { step, calls: ['time'] })
    const [prompt] = prompts(talk.returned('m1', `m1/${step}/0`, 'Noon.'))
    expect(prompt!.tools.length > 0).toBe(step < 2)
  }
  const last = talk.generated('m1', 'Noon, I think.', { step: 3, calls: ['time'] })
  expect(requests(last)).toEqual([])
  expect(replies(last)).toMatchObject([{ text: 'Noon, I think.' }])
})

test('a model that cannot use tools is offered none', () => {
  const talk = openTestConversation({ tools: false })
  expect(prompts(talk.say('m1', 'hello'))[0]!.tools).toEqual([])
})

test.each([
  ['en', 'gave no answer'],
  ['zh', '没有给出回答'],
] as const)('an empty answer is said to be one (%s)', (language, words) => {
  const talk = openTestConversation()
  talk.say('m1', 'hello', { language })
  expect(replies(talk.generated('m1', ' '))).toMatchObject([{ text: expect.stringContaining(words) }])
})

test('a model that asks for very many tools at once gets only some of them', () => {
  const talk = openTestConversation()
  talk.say('m1', 'go wild')
  const called = talk.generated('m1', '', { calls: Array(500).fill('time') })
  expect(requests(called)).toHaveLength(16)
})

test('a very long result is cut before the model reads it', () => {
  const talk = openTestConversation()
  talk.say('m1', 'what time is it?')
  talk.generated('m1', '', { calls: ['time'] })
  const [prompt] = prompts(talk.returned('m1', 'm1/0/0', 'x'.repeat(100_000)))
  expect(prompt!.messages.at(-1)!.content).toHaveLength(4_000)
})

test('what comes for a step that is over, or a turn that nobody knows, changes nothing', () => {
  const talk = openTestConversation()
  talk.say('m1', 'what time is it?')
  talk.generated('m1', '', { calls: ['time', 'notes'] })
  talk.returned('m1', 'm1/0/0', 'Noon.')
  const before = structuredClone(talk.state)
  expect(talk.returned('m1', 'm1/0/0', 'One.')).toEqual([])
  expect(talk.returned('m1', 'm1/9/9', 'Nine.')).toEqual([])
  expect(talk.generated('m1', 'Too late.')).toEqual([])
  expect(talk.generated('m1', 'Too early.', { step: 7 })).toEqual([])
  expect(talk.generated('unknown', 'Hello?')).toEqual([])
  expect(talk.returned('unknown', 'unknown/text', 'Hello?')).toEqual([])
  expect(talk.state).toEqual(before)
})

test('a message that comes again under another event is not answered again', () => {
  const talk = openTestConversation()
  talk.say('m1', 'hello')
  expect(talk.say('m1', 'hello')).toEqual([])
  talk.generated('m1', 'Hello!')
  expect(talk.say('m1', 'hello')).toEqual([])
})

test('a stored state that nobody can read makes the conversation start afresh, with a note', () => {
  const talk = openTestConversation()
  talk.say('m1', 'hello')
  const odd = { ...talk.state, turn: { id: 7 } }
  const event = { type: 'lares.context.recalled', id: 'e', correlationid: 'm2' } as const
  const result = step(odd, { ...event, data: createRecalled('hello again') }, talk.surroundings)
  expect(prompts(result.outcome)).toHaveLength(1)
  expect(result.debugMessages).toEqual([expect.stringContaining('cannot be read')])
})

test('a draft that breaks its schema stops the step, so that it is never recorded', () => {
  const talk = openTestConversation({ skills: [skillManifest('Not A Name')] })
  expect(() => talk.say('m1', 'hello', { skill: 'Not A Name' })).toThrow('Not A Name')
})
