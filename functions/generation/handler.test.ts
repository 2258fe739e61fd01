import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { noLog } from '#shared/base/log.ts'
import { firstEvent, type LaresEvent } from '#shared/contract/events/event.ts'
import type { EventData } from '#shared/contract/events/event-types.ts'
import { invocable } from '#shared/contract/invoke.ts'
import type { Models } from '#shared/models/models.ts'
import { called, counted, finished, refuse, said, serve, sse } from '#shared/models/openai/server.fixture.ts'
import { openFolderObjects } from '#shared/objects/folder.ts'
import generation from './handler.ts'

type Prompt = EventData<'lares.prompt.composed'>

const time = { name: 'time', description: 'Tells the time.', parameters: { type: 'object' } }

async function generate(
  models: Models,
  prompt: Partial<Prompt> = {},
  id = 'prompt-1',
): Promise<LaresEvent[]> {
  const event = firstEvent({
    id,
    source: '/test',
    type: 'lares.prompt.composed',
    conversation: 'c',
    data: { step: 0, offset: 0, messages: [{ role: 'user', content: 'hello' }], tools: [], ...prompt },
  })
  const { invoke } = invocable(generation, {
    services: { models },
    objects: openFolderObjects(tmpdir()),
    log: noLog,
  })
  const events: LaresEvent[] = []
  for await (const made of invoke(event as unknown as LaresEvent)) events.push(made)
  return events
}

test('streams what the model says, each piece with its place in the reply, and ends with the whole', async () => {
  const { models } = await serve(response => {
    sse(response, [said('Hello'), said(' there'), finished('stop'), counted(7, 2), '[DONE]'])
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

test('passes the tools on, and what the model wants with them back', async () => {
  const { models, requests } = await serve(response => {
    const call = { index: 0, id: 'call-1', function: { name: 'time', arguments: '{"zone":"Bern"}' } }
    sse(response, [called(call), finished('tool_calls'), '[DONE]'])
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
  const { models, requests } = await serve(response => sse(response, [said('x'), finished('stop'), '[DONE]']))
  for (const id of ['one', 'one', 'two']) await generate(models, {}, id)
  const [first, again, other] = requests.map(({ body }) => body.seed)
  expect(first).toBe(again)
  expect(first).not.toBe(other)
})

test('a model server that is away is a failed try, so that the person is told soon', async () => {
  const { models, stop } = await serve(() => undefined)
  await stop()
  await expect(generate(models)).rejects.toMatchObject({ code: 'failed', retryable: true })
})

test('a request that the model refuses is not tried again', async () => {
  const { models } = await serve(refuse(400, 'no such thing'))
  await expect(generate(models)).rejects.toMatchObject({ retryable: false })
})
