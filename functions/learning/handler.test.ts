import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import { silentLogger } from '#shared/base/log.ts'
import { createRootEvent, type LaresEvent } from '#shared/contract/events/event.ts'
import type { EventData } from '#shared/contract/events/event-types.ts'
import { createInvocable } from '#shared/contract/invoke.ts'
import type { Models } from '#shared/models/models.ts'
import {
  finishChunk,
  refuseWith,
  sendEvents,
  startModelServer,
  textChunk,
  toolCallChunk,
} from '#shared/models/openai/server.fixture.ts'
import { openFolderObjects } from '#shared/objects/folder.ts'
import learning from './handler.ts'

const TEXT = 'My daughter Mia starts school on Monday, and we moved her to the blue room with 2 windows.'
const known = [
  { id: 'k1', text: 'I like green tea' },
  { id: 'k2', text: 'Mia sleeps in the red room' },
]

async function learn(models: Models, asked: Partial<EventData<'lares.learning.requested'>> = {}) {
  const event = createRootEvent({
    id: 'learning-1',
    source: '/test',
    type: 'lares.learning.requested',
    conversation: 'c',
    data: { person: 'alice', message: 'm', text: TEXT, saidAt: '2026-03-27T09:00:00.000Z', known, ...asked },
  })
  const { invoke } = createInvocable(learning, {
    services: { models },
    objects: openFolderObjects(tmpdir()),
    log: silentLogger,
  })
  const events: LaresEvent[] = []
  for await (const made of invoke(event as unknown as LaresEvent)) events.push(made)
  return events
}

/** A server with a model that answers with these notes, or with any other arguments of its call. */
const serverAnswering = (given: unknown, name = 'keep_notes') =>
  startModelServer(response => {
    const call = { index: 0, id: 'call-1', function: { name, arguments: JSON.stringify(given) } }
    sendEvents(response, [toolCallChunk(call), finishChunk('tool_calls'), '[DONE]'])
  })

const learntFacts = async (given: unknown, asked?: Partial<EventData<'lares.learning.requested'>>) => {
  const [event] = await learn((await serverAnswering(given)).models, asked)
  return (event?.data as EventData<'lares.facts.learnt'> | undefined)?.facts
}

test('what the model finds is told with the message and the time it is from', async () => {
  const { models, requests } = await serverAnswering({ notes: [{ text: 'My daughter Mia starts school' }] })
  expect(await learn(models)).toMatchObject([
    {
      type: 'lares.facts.learnt',
      subject: 'c',
      data: {
        person: 'alice',
        message: 'm',
        saidAt: '2026-03-27T09:00:00.000Z',
        facts: [{ text: 'My daughter Mia starts school' }],
      },
    },
  ])
  const { messages, tools } = requests.at(-1)!.body
  expect(tools).toMatchObject([{ function: { name: 'keep_notes' } }])
  expect((messages as { content: string }[]).at(-1)!.content).toBe(
    `Today is Friday, 2026-03-27.\n\nThe notes so far:\n1. I like green tea\n2. Mia sleeps in the red room\n\nThe message:\n<message>\n${TEXT}\n</message>`,
  )
})

test('a note that replaces another names it, and one that replaces nothing that is known replaces none', async () => {
  const notes = [
    { text: 'Mia sleeps in the blue room', replaces: 2 },
    { text: 'My daughter is called Mia', replaces: 9 },
    { text: 'My daughter starts school', replaces: null },
  ]
  expect(await learntFacts({ notes })).toEqual([
    { text: 'Mia sleeps in the blue room', replaces: 'k2' },
    { text: 'My daughter is called Mia' },
    { text: 'My daughter starts school' },
  ])
})

describe('is left out', () => {
  test.each([
    ['what the message does not say', 'I work as a pilot'],
    ['a number that it does not say', 'My daughter has 3 windows'],
    ['what is too long', `Mia ${'and Mia '.repeat(40)}`],
    ['nothing', '  '],
  ])('%s', async (_, text) => {
    expect(await learntFacts({ notes: [{ text }, { text: 'The blue room has 2 windows' }] })).toEqual([
      { text: 'The blue room has 2 windows' },
    ])
  })

  test('what is no note at all', async () => {
    expect(await learntFacts({ notes: ['Mia', null, { note: 'Mia' }] })).toBeUndefined()
    expect(await learntFacts({ notes: 'Mia' })).toBeUndefined()
    expect(await learn((await serverAnswering({ notes: [{ text: 'Mia' }] }, 'other')).models)).toEqual([])
  })

  test('the sixth', async () => {
    const notes = [1, 2, 3, 4, 5, 6].map(n => ({ text: `Mia ${'!'.repeat(n)}` }))
    expect(await learntFacts({ notes })).toHaveLength(5)
  })
})

test('a date may be worked out, and Chinese is kept as it is', async () => {
  expect(await learntFacts({ notes: [{ text: 'Mia starts school on 2026-03-30' }] })).toHaveLength(1)
  const text = '我女儿下周一开始上小学'
  expect(await learntFacts({ notes: [{ text: '我女儿2026-03-30开始上小学' }] }, { text })).toEqual([
    { text: '我女儿2026-03-30开始上小学' },
  ])
})

test('a model that says nothing worth it, or talks instead, teaches nothing', async () => {
  expect(await learntFacts({ notes: [] })).toBeUndefined()
  const { models } = await startModelServer(response =>
    sendEvents(response, [textChunk('How nice!'), finishChunk('stop'), '[DONE]']),
  )
  expect(await learn(models)).toEqual([])
})

test('a small model, and one that there is not, is not asked', async () => {
  const { models, requests } = await serverAnswering({ notes: [{ text: 'Mia' }] })
  const small: Models = {
    ...models,
    capabilities: async () => ({ model: 'small', tools: false, contextTokens: 2_048 }),
  }
  expect(await learn(small)).toEqual([])
  expect(await learn({ ...models, capabilities: () => Promise.reject(new Error('none')) })).toEqual([])
  expect(requests).toEqual([])
})

test('is tried again when the server is away or busy, and not when it refuses', async () => {
  const { models, stop } = await startModelServer(() => undefined)
  await stop()
  await expect(learn(models)).rejects.toMatchObject({ code: 'unavailable', retryable: true })
  await expect(learn((await startModelServer(refuseWith(429, 'later'))).models)).rejects.toMatchObject({
    retryable: true,
  })
  expect(await learn((await startModelServer(refuseWith(400, 'no such thing'))).models)).toEqual([])
})
