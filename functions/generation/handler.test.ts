import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
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
  usageChunk,
} from '#shared/models/openai/server.fixture.ts'
import { openFolderObjects } from '#shared/objects/folder.ts'
import generation from './handler.ts'

type Prompt = EventData<'lares.prompt.composed'>

const time = { name: 'time', description: 'Tells the time.', parameters: { type: 'object' } }

async function generate(
  models: Models,
  prompt: Partial<Prompt> = {},
  id = 'prompt-1',
): Promise<LaresEvent[]> {
  const event = createRootEvent({
    id,
    source: '/test',
    type: 'lares.prompt.composed',
    conversation: 'c',
    data: { step: 0, offset: 0, messages: [{ role: 'user', content: 'hello' }], tools: [], ...prompt },
  })
  const { invoke } = createInvocable(generation, {
    services: { models },
    objects: openFolderObjects(tmpdir()),
    log: silentLogger,
  })
  const events: LaresEvent[] = []
  for await (const made of invoke(event as unknown as LaresEvent)) events.push(made)
  return events
}

test('streams what the model says, each piece with its place in the reply, and ends with the whole', async () => {
  const { models } = await startModelServer(response => {
    sendEvents(response, [
      textChunk('Hello'),
      textChunk(' there'),
      finishChunk('stop'),
      usageChunk(7, 2),
      '[DONE]',
    ])
  })
  const events = await generate(models, { step: 1, offset: 10 })
  const streamed = events.filter(({ type }) => type === 'lares.stream.extended')
  expect(streamed[0]!.data).toEqual({ step: 1, offset: 10, text: 'Hello' })
  expect(streamed[1]!.data).toEqual({ step: 1, offset: 15, text: ' there' })
  expect(events.at(-1)).toMatchObject({
    type: 'lares.generation.completed',
    data: { step: 1, text: 'Hello there', toolCalls: [], finishReason: 'stop', model: 'served-1' },
  })
})

test('an answer that the limit of tokens has cut is marked at its end, in the stream too', async () => {
  const { models } = await startModelServer(response => {
    sendEvents(response, [textChunk('the idea that'), finishChunk('length'), usageChunk(7, 2), '[DONE]'])
  })
  const events = await generate(models)
  const streamed = events.flatMap(({ type, data }) =>
    type === 'lares.stream.extended' ? [(data as { text: string }).text] : [],
  )
  expect(streamed.join('')).toBe('the idea that […]')
  expect(events.at(-1)).toMatchObject({ data: { text: 'the idea that […]', finishReason: 'length' } })
})

test('passes the tools on, and what the model wants with them back', async () => {
  const { models, requests } = await startModelServer(response => {
    const call = { index: 0, id: 'call-1', function: { name: 'time', arguments: '{"zone":"Bern"}' } }
    sendEvents(response, [toolCallChunk(call), finishChunk('tool_calls'), '[DONE]'])
  })
  const events = await generate(models, { tools: [time] })
  expect(requests[0]!.body.tools).toEqual([{ type: 'function', function: time }])
  expect(events.at(-1)!.data).toMatchObject({
    text: '',
    toolCalls: [{ id: 'call-1', name: 'time', arguments: { zone: 'Bern' } }],
    finishReason: 'tool-calls',
  })
})

test('asks with the same seed at every try of a prompt, and with another one for another prompt', async () => {
  const { models, requests } = await startModelServer(response =>
    sendEvents(response, [textChunk('x'), finishChunk('stop'), '[DONE]']),
  )
  for (const id of ['one', 'one', 'two']) await generate(models, {}, id)
  const [first, again, other] = requests.map(({ body }) => body.seed)
  expect(first).toBe(again)
  expect(first).not.toBe(other)
})

test('a model server that is away is unavailable, so that the connector waits for it', async () => {
  const { models, stop } = await startModelServer(() => undefined)
  await stop()
  await expect(generate(models)).rejects.toMatchObject({ code: 'unavailable', retryable: true })
})

test('a request that the model refuses is not tried again', async () => {
  const { models } = await startModelServer(refuseWith(400, 'no such thing'))
  await expect(generate(models)).rejects.toMatchObject({ retryable: false })
})
