import { afterAll, describe, expect, test, vi } from 'vitest'
import { LaresError } from '../../shared/base/errors.ts'
import { type Logger, silentLogger } from '../../shared/base/log.ts'
import { openLlamaModels } from '../../shared/models/llama/llama.ts'
import type {
  ChatMessage,
  GenerateChunk,
  GenerateRequest,
  TextGenerator,
} from '../../shared/models/models.ts'
import { builtInModel } from '../support/model-file.ts'

const modelFile = await builtInModel()

describe.skipIf(!modelFile)('the built-in model', () => {
  const models = openLlamaModels({ modelFile: modelFile! })
  afterAll(() => models.close())

  test('answers a simple question, in a stream', async () => {
    const chunks = await collect(models, requestFor('What is the capital of France?'))
    expect(textOf(chunks)).toContain('Paris')
    expect(chunks.filter(({ kind }) => kind === 'text').length).toBeGreaterThan(2)
    expect(chunks.at(-1)).toEqual({
      kind: 'end',
      finishReason: 'stop',
      usage: { inputTokens: expect.any(Number), outputTokens: expect.any(Number) },
      model: 'SmolLM2-135M-Instruct.Q4_1',
    })
  })

  test('answers with what the conversation and the system say', async () => {
    const messages: ChatMessage[] = [
      { role: 'system', content: 'You answer in one short sentence.' },
      { role: 'user', content: 'My dog is called Bruno.' },
      { role: 'assistant', content: 'What a nice name.' },
      { role: 'user', content: 'What is my dog called?' },
    ]
    expect(textOf(await collect(models, { messages, maxTokens: 40, temperature: 0 }))).toContain('Bruno')
  })

  test('gives the same answer for the same seed', async () => {
    const story = { ...requestFor('Tell me a story'), maxTokens: 24, temperature: 1, seed: 7 }
    expect(textOf(await collect(models, story))).toBe(textOf(await collect(models, story)))
  })

  test('stops at the limit of tokens', async () => {
    const end = (await collect(models, { ...requestFor('Tell me a story'), maxTokens: 5 })).at(-1)
    expect(end).toMatchObject({ finishReason: 'length', usage: { outputTokens: 5 } })
  })

  test('stops in the middle when its signal is aborted, with the reason', async () => {
    const controller = new AbortController()
    const reason = new LaresError('deadline_exceeded', 'enough')
    let pieces = 0
    const listen = async () => {
      const request = { ...requestFor('Tell me a very long story'), signal: controller.signal }
      for await (const _chunk of models.generate('text-generation', request))
        if (++pieces === 3) controller.abort(reason)
    }
    await expect(listen()).rejects.toBe(reason)
    expect(pieces).toBeLessThan(20)
  })

  test('gives up reading a long prompt when its signal is aborted', async () => {
    const signal = AbortSignal.timeout(300)
    const startedAt = performance.now()
    await expect(collect(models, { ...requestFor('word '.repeat(1400)), signal })).rejects.toThrow()
    expect(performance.now() - startedAt).toBeLessThan(3000)
  })

  test('answers the next request after a reader left in the middle', async () => {
    for await (const _chunk of models.generate('text-generation', requestFor('Tell me a long story'))) break
    expect(textOf(await collect(models, requestFor('What is the capital of Italy?')))).toContain('Rome')
  })

  test('computes two answers at once', async () => {
    const order: string[] = []
    const listen = async (name: string) => {
      const request = { ...requestFor('Tell me a story'), maxTokens: 24 }
      for await (const _chunk of models.generate('text-generation', request)) order.push(name)
    }
    await Promise.all([listen('a'), listen('b')])
    expect(order.indexOf('b')).toBeLessThan(order.lastIndexOf('a'))
    expect(order.indexOf('a')).toBeLessThan(order.lastIndexOf('b'))
  })

  test('forgets the oldest messages when the prompt is too long, but not the system and the last', async () => {
    const small = openLlamaModels({ modelFile: modelFile!, contextTokens: 256 })
    const messages: ChatMessage[] = [
      { role: 'system', content: 'You answer in one short sentence.' },
      ...Array.from({ length: 60 }, (): ChatMessage => ({ role: 'user', content: 'I went to the market.' })),
      { role: 'user', content: 'What is the capital of France?' },
    ]
    const chunks = await collect(small, { messages, temperature: 0 })
    expect(textOf(chunks)).toContain('Paris')
    const end = chunks.at(-1)!
    expect(end.kind === 'end' && end.usage.inputTokens).toBeLessThanOrEqual(192)
    await small.close()
  })

  test('ends with length when the context is full', async () => {
    const small = openLlamaModels({ modelFile: modelFile!, contextTokens: 256 })
    const end = (await collect(small, requestFor('Tell me a very long story about a king'))).at(-1)!
    expect(end).toMatchObject({ kind: 'end', finishReason: 'length' })
    expect(end.kind === 'end' && end.usage.inputTokens + end.usage.outputTokens).toBeLessThanOrEqual(256)
    await small.close()
  })

  test('refuses a message that alone is too long, for good', async () => {
    const error = collect(models, requestFor('word '.repeat(3000)))
    await expect(error).rejects.toMatchObject({ code: 'rejected', retryable: false })
  })

  test('keeps no more cores busy than it is told', async () => {
    const one = openLlamaModels({ modelFile: modelFile!, threads: 1 })
    await collect(one, { ...requestFor('hello'), maxTokens: 1 })
    const before = process.cpuUsage()
    const startedAt = performance.now()
    await collect(one, { ...requestFor('Tell me a long story'), maxTokens: 60 })
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1000 / (performance.now() - startedAt)).toBeLessThan(1.5)
    await one.close()
  })

  test('leaves the memory when idle, and comes back when asked', async () => {
    const said: string[] = []
    const log: Logger = { ...silentLogger, info: (_fields, message) => said.push(message) }
    const idle = openLlamaModels({ modelFile: modelFile!, idleUnloadMs: 1, log })
    await collect(idle, { ...requestFor('hello'), maxTokens: 2 })
    await vi.waitFor(() => expect(said).toContain('the model left the memory'))
    await collect(idle, { ...requestFor('hello'), maxTokens: 2 })
    expect(said.filter(message => message === 'loaded the model')).toHaveLength(2)
    await idle.close()
  })

  test('ends running answers on close and takes no more', async () => {
    const closing = openLlamaModels({ modelFile: modelFile! })
    const answer = closing.generate('text-generation', requestFor('Tell me a story'))[Symbol.asyncIterator]()
    await answer.next()
    const closed = closing.close()
    await expect(collectRest(answer)).rejects.toMatchObject({ code: 'unavailable' })
    await closed
    await expect(collect(closing, requestFor('hello'))).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('says what it can do, and that it is there', async () => {
    expect(await models.capabilities('text-generation')).toMatchObject({ tools: false, contextTokens: 2048 })
    await models.check()
  })
})

test('says which file is missing, and what to do', async () => {
  const models = openLlamaModels({ modelFile: '/nowhere/model.gguf' })
  const expected = {
    code: 'unavailable',
    message: expect.stringMatching(/\/nowhere\/model\.gguf.*OPENAI_BASE_URL/),
  }
  await expect(models.check()).rejects.toMatchObject(expected)
  await expect(collect(models, requestFor('hello'))).rejects.toMatchObject(expected)
  await models.close()
})

function requestFor(content: string): GenerateRequest {
  return { messages: [{ role: 'user', content }] }
}

async function collect(models: TextGenerator, request: GenerateRequest): Promise<GenerateChunk[]> {
  return collectRest(models.generate('text-generation', request)[Symbol.asyncIterator]())
}

async function collectRest(answer: AsyncIterator<GenerateChunk>): Promise<GenerateChunk[]> {
  const chunks: GenerateChunk[] = []
  for (let next = await answer.next(); !next.done; next = await answer.next()) chunks.push(next.value)
  return chunks
}

function textOf(chunks: GenerateChunk[]): string {
  return chunks.map(chunk => (chunk.kind === 'text' ? chunk.text : '')).join('')
}
