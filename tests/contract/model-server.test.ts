import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import type { ChatMessage, GenerateChunk, GenerateRequest } from '../../shared/models/models.ts'
import { openOpenAIModels } from '../../shared/models/openai/openai.ts'
import { type ModelServerOptions, startModelServer } from '../support/model-server.ts'

const notesTool = { name: 'notes', description: 'Keeps notes', parameters: { type: 'object' } }

test('echoes in words', async () => {
  const { ask, server } = await start()
  const chunks = await ask(userRequest('hello  big world'))
  expect(chunks.map(chunk => (chunk.kind === 'text' ? chunk.text : chunk.kind))).toEqual([
    'echo:',
    ' hello',
    '  big',
    ' world',
    'end',
  ])
  expect(chunks.at(-1)).toMatchObject({ usage: { inputTokens: 3, outputTokens: 4 }, model: 'echo' })
  expect(server.requests).toHaveLength(1)
})

test('calls a tool when asked and tells what it said', async () => {
  const { ask } = await start()
  const question = userRequest('please call notes {"save":{"text":"a } b"}} now', [notesTool])
  const [first, end] = await ask(question)
  expect(first).toEqual({
    kind: 'tool-call',
    call: { id: 'call_1', name: 'notes', arguments: { save: { text: 'a } b' } } },
  })
  expect(end).toMatchObject({ finishReason: 'tool-calls' })
  const history: ChatMessage[] = [
    ...question.messages,
    { role: 'assistant', content: '', toolCalls: first?.kind === 'tool-call' ? [first.call] : [] },
    { role: 'tool', content: 'saved', toolCallId: 'call_1' },
  ]
  expect(textOf(await ask({ messages: history, tools: [notesTool] }))).toBe('notes said: saved')
})

test('calls no tool that is not offered', async () => {
  const { ask } = await start()
  expect(textOf(await ask(userRequest('call notes {}')))).toBe('echo: call notes {}')
})

test.each([
  [429, 'busy'],
  [500, 'unavailable'],
  [400, 'rejected'],
])('fails with %i when told to', async (status, code) => {
  const { ask } = await start()
  await expect(ask(userRequest(`now [fail:${status}]`))).rejects.toMatchObject({ code })
})

test('waits when told to, and only as long as somebody listens', async () => {
  const { ask, server } = await start()
  await expect(ask({ ...userRequest('[slow:60000]'), signal: AbortSignal.timeout(30) })).rejects.toThrow()
  expect(textOf(await ask(userRequest('[slow:20] there')))).toBe('echo: [slow:20] there')
  await server.close()
})

test('stops at the limit of tokens', async () => {
  const { ask } = await start({ delayMs: 1, tokenDelayMs: 1 })
  const chunks = await ask({ ...userRequest('one two three'), maxTokens: 2 })
  expect(textOf(chunks)).toBe('echo: one')
  expect(chunks.at(-1)).toMatchObject({ finishReason: 'length' })
})

test('answers at once when no stream is asked for', async () => {
  const { server } = await start()
  const answer = await post(server.url, JSON.stringify({ messages: [{ role: 'user', content: 'hi' }] }))
  expect(await answer.json()).toMatchObject({
    object: 'chat.completion',
    choices: [{ message: { role: 'assistant', content: 'echo: hi' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  })
})

test.each(['', '{', '[]', '{"messages": []}'])('refuses the body "%s"', async body => {
  const { server } = await start()
  expect((await post(server.url, body)).status).toBe(400)
})

test('runs as a process of its own', async () => {
  const file = fileURLToPath(new URL('../support/model-server.ts', import.meta.url))
  const child = spawn(process.execPath, [file, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(async () => {
    child.kill()
    await once(child, 'exit')
  })
  const [url] = await once(createInterface({ input: child.stdout }), 'line')
  const models = openOpenAIModels({ baseUrl: url })
  await models.check()
  expect(await models.capabilities('text-generation')).toMatchObject({ model: 'echo', tools: true })
})

async function start(options: ModelServerOptions = {}) {
  const server = await startModelServer(options)
  const models = openOpenAIModels({ baseUrl: server.url })
  onTestFinished(async () => {
    await models.close()
    await server.close()
  })
  const ask = async (request: GenerateRequest) => {
    const chunks: GenerateChunk[] = []
    for await (const chunk of models.generate('text-generation', request)) chunks.push(chunk)
    return chunks
  }
  return { server, ask }
}

function userRequest(content: string, tools: GenerateRequest['tools'] = []): GenerateRequest {
  return { messages: [{ role: 'user', content }], tools }
}

function post(url: string, body: string): Promise<Response> {
  return fetch(`${url}/chat/completions`, { method: 'POST', body })
}

function textOf(chunks: GenerateChunk[]): string {
  return chunks.map(chunk => (chunk.kind === 'text' ? chunk.text : '')).join('')
}
