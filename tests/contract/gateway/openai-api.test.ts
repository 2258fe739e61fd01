import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LaresError } from '../../../shared/base/errors.ts'
import { listRows, readChunks, sendRequest } from './client.ts'
import { ALICE_TOKEN, echo, openTestGateway, type Responder, type TestGateway } from './gateway-instance.ts'

/** The assistant's reaction to these words. */
const responders: Record<string, Responder> = {
  direct: async ({ reply }) => reply('no stream'),
  fail: async ({ reply }) => reply('I am sorry.', 'failed'),
  'again the same': async ({ chunk, reply }) => {
    await chunk(0, 'The answer')
    await chunk(0, 'The ')
    await chunk(4, 'answer is 42')
    await reply('The answer is 42.')
  },
  'again otherwise': async ({ chunk, reply }) => {
    await chunk(0, 'The answer')
    await chunk(0, 'Sorry, no.')
    await reply('Sorry, no.')
  },
  'a gap': async ({ chunk, reply }) => {
    await chunk(0, 'One ')
    await chunk(8, 'three')
    await reply('One two three')
  },
  silence: async () => undefined,
}

let gateway: TestGateway
beforeAll(async () => {
  gateway = await openTestGateway({ responder: turn => (responders[turn.message.data.text] ?? echo)(turn) })
})
afterAll(() => gateway.close())

const complete = (json: object, options: { token?: string; headers?: Record<string, string> } = {}) =>
  sendRequest(gateway, '/v1/chat/completions', { json, ...options })
const userMessage = (content: unknown) => ({ messages: [{ role: 'user', content }] })
const streamCompletion = async (content: string, more: object = {}) =>
  readChunks(await complete({ ...userMessage(content), stream: true, ...more }))
const publishedWithText = async (text: string) =>
  (await gateway.publishedMessages()).filter(({ data }) => data.text === text)

describe('a chat completion', () => {
  it('has the shape that OpenAI’s clients read', async () => {
    const response = await complete({
      model: 'anything',
      ...userMessage('hello'),
      temperature: 0.2,
      max_tokens: 50,
    })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-/),
      object: 'chat.completion',
      created: expect.any(Number),
      model: 'echo/tiny',
      choices: [
        { index: 0, message: { role: 'assistant', content: 'You said: hello' }, finish_reason: 'stop' },
      ],
      usage: { prompt_tokens: 7, completion_tokens: 11, total_tokens: 18 },
    })
  })

  it('understands content in parts', async () => {
    const response = await complete(
      userMessage([
        { type: 'text', text: 'two ' },
        { type: 'text', text: 'parts' },
      ]),
    )
    expect(await response.json()).toMatchObject({
      choices: [{ message: { content: 'You said: two parts' } }],
    })
  })

  it('without a conversation brings its history and its instructions along', async () => {
    const response = await complete({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'earlier' },
        { role: 'assistant', content: 'yes' },
        { role: 'developer', content: 'Be kind.' },
        { role: 'user', content: 'with history' },
      ],
    })
    const [event] = await publishedWithText('with history')
    expect(event!.subject).toBe(response.headers.get('x-lares-conversation'))
    expect(event!.data).toMatchObject({
      address: { channel: 'openai', account: 'default', chat: event!.subject },
      instructions: 'Be brief.\n\nBe kind.',
      history: [
        { role: 'user', text: 'earlier' },
        { role: 'assistant', text: 'yes' },
      ],
    })
    const { conversations } = (await (await sendRequest(gateway, '/api/conversations')).json()) as {
      conversations: unknown[]
    }
    expect(conversations).toEqual([])
  })

  it.each([
    ['at the top', { conversation: 'kept' }],
    ['in the metadata', { metadata: { conversation: 'kept' } }],
  ])('with a conversation %s takes the last message only', async (place, where) => {
    const text = `named ${place}`
    const response = await complete({
      ...where,
      messages: [
        { role: 'user', content: 'not this' },
        { role: 'user', content: text },
      ],
    })
    expect(response.headers.get('x-lares-conversation')).toBe('kept')
    const [event] = await publishedWithText(text)
    expect(event!.subject).toBe('kept')
    expect(event!.data.history).toBeUndefined()
  })

  it('for a user of an application is for a person of their own', async () => {
    await complete({ ...userMessage('for bob'), user: 'bob', conversation: 'bobs' })
    await complete({ ...userMessage('for alice’s bob'), user: 'bob' }, { token: ALICE_TOKEN })
    expect((await publishedWithText('for bob'))[0]!.data.person).toBe('owner:bob')
    expect((await publishedWithText('for alice’s bob'))[0]!.data.person).toBe('alice:bob')
    expect((await sendRequest(gateway, '/api/conversations/bobs/messages')).status).toBe(404)
    expect((await complete({ ...userMessage('let me in'), conversation: 'bobs' })).status).toBe(404)
  })

  it('asked again under its key is one message with the same answer', async () => {
    const options = { headers: { 'idempotency-key': 'chat-1' } }
    const first = (await (await complete(userMessage('keyed'), options)).json()) as { id: string }
    const again = (await (await complete(userMessage('keyed'), options)).json()) as { id: string }
    expect(again).toMatchObject({ id: first.id, choices: [{ message: { content: 'You said: keyed' } }] })
    expect(await publishedWithText('keyed')).toHaveLength(1)
  })

  it('gives an apology as the answer, and says that it is one', async () => {
    expect(await (await complete(userMessage('fail'))).json()).toMatchObject({
      choices: [{ message: { content: 'I am sorry.' }, finish_reason: 'stop' }],
      'x-lares-status': 'failed',
    })
  })
})

describe('a streamed chat completion', () => {
  it('begins with the role, ends with the reason and [DONE], and counts tokens when asked', async () => {
    const { chunks, isDone, text } = await streamCompletion('hello', {
      stream_options: { include_usage: true },
    })
    expect(chunks[0]).toMatchObject({
      object: 'chat.completion.chunk',
      choices: [{ delta: { role: 'assistant' }, finish_reason: null }],
    })
    expect(text).toBe('You said: hello')
    expect(chunks.at(-2)).toMatchObject({ choices: [{ delta: {}, finish_reason: 'stop' }] })
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 18 } })
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
    expect(isDone).toBe(true)
  })

  it('sends a reply that was not streamed in one piece', async () => {
    const { chunks, text } = await streamCompletion('direct')
    expect(text).toBe('no stream')
    expect(chunks.filter(({ choices }) => choices[0].delta.content)).toHaveLength(1)
  })

  it('goes on where a second try says the same', async () => {
    const { text, isDone } = await streamCompletion('again the same')
    expect([text, isDone]).toEqual(['The answer is 42.', true])
  })

  it('ends with an error, and not with two halves, where a second try says something else', async () => {
    const { chunks, text, isDone } = await streamCompletion('again otherwise')
    expect(text).toBe('The answer')
    expect(chunks.at(-1)).toMatchObject({ error: { type: 'server_error', code: 'unavailable' } })
    expect(isDone).toBe(false)
  })

  it('fills a gap at the end', async () => {
    expect((await streamCompletion('a gap')).text).toBe('One two three')
  })

  it('marks an apology', async () => {
    const { chunks, text } = await streamCompletion('fail')
    expect(text).toBe('I am sorry.')
    expect(chunks.at(-1)).toMatchObject({ 'x-lares-status': 'failed' })
  })

  it('that nobody waits for any more is answered all the same', async () => {
    const stop = new AbortController()
    const asked = {
      json: { ...userMessage('left alone'), stream: true, conversation: 'left' },
      signal: stop.signal,
    }
    const response = await sendRequest(gateway, '/v1/chat/completions', asked)
    expect(response.status).toBe(200)
    stop.abort()
    await expect.poll(() => listRows(gateway, 'left')).toMatchObject([{}, { text: 'You said: left alone' }])
  })

  it('ends with an error when the gateway stops', async () => {
    const other = await openTestGateway({ responder: responders.silence! })
    const response = await sendRequest(other, '/v1/chat/completions', {
      json: { ...userMessage('wait'), stream: true },
    })
    const reading = readChunks(response)
    await other.close()
    const { chunks, isDone } = await reading
    expect(chunks.at(-1)).toMatchObject({ error: { code: 'unavailable' } })
    expect(isDone).toBe(false)
  })
})

describe('what is no request of the OpenAI API', () => {
  it.each([
    ['no messages', {}, 'messages'],
    ['an empty list', { messages: [] }, 'messages'],
    ['a temperature in words', { ...userMessage('a'), temperature: 'hot' }, 'temperature'],
    ['two answers', { ...userMessage('a'), n: 2 }, 'n'],
    ['stream in words', { ...userMessage('a'), stream: 'yes' }, 'stream'],
    ['a role of its own', { messages: [{ role: 'wizard', content: 'a' }] }, 'messages.0.role'],
    ['a wrong conversation', { ...userMessage('a'), conversation: 'a b' }, 'conversation'],
    ['a user without end', { ...userMessage('a'), user: 'u'.repeat(129) }, 'user'],
  ])('is refused by name: %s', async (_name, json, param) => {
    const response = await complete(json)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { type: 'invalid_request_error', param, message: expect.any(String), code: 'invalid_request' },
    })
  })

  it.each([
    ['a picture', userMessage([{ type: 'image_url', image_url: { url: 'x' } }])],
    ['nothing said', userMessage('  ')],
    ['an assistant’s last word', { messages: [{ role: 'assistant', content: 'a' }] }],
  ])('is refused: %s', async (_name, json) => {
    expect((await complete(json)).status).toBe(400)
  })

  it('answers in its shape to wrong tokens, bad JSON and unknown routes', async () => {
    const shape = { error: { type: 'invalid_request_error', param: null, message: expect.any(String) } }
    const wrong = await complete(userMessage('a'), { token: 'wrong' })
    const bad = await sendRequest(gateway, '/v1/chat/completions', {
      method: 'POST',
      body: '{',
      headers: { 'content-type': 'application/json' },
    })
    const unknown = await sendRequest(gateway, '/v1/embeddings', { json: {} })
    expect([wrong.status, bad.status, unknown.status]).toEqual([401, 400, 404])
    for (const response of [wrong, bad, unknown]) expect(await response.json()).toMatchObject(shape)
  })

  it('gets no stream while the bus is away', async () => {
    const publish = async () => {
      throw new LaresError('unavailable', 'the bus is away')
    }
    const down = await openTestGateway({ overrides: { events: { publish } } })
    try {
      const response = await sendRequest(down, '/v1/chat/completions', {
        json: { ...userMessage('a'), stream: true },
      })
      expect(response.status).toBe(503)
      expect(response.headers.get('retry-after')).toBe('1')
      expect(await response.json()).toMatchObject({ error: { type: 'server_error' } })
    } finally {
      await down.close()
    }
  })
})

describe('models', () => {
  it('are the one that answers', async () => {
    const list = await (await sendRequest(gateway, '/v1/models')).json()
    expect(list).toMatchObject({
      object: 'list',
      data: [{ id: 'echo/tiny', object: 'model', owned_by: 'lares' }],
    })
    expect((await sendRequest(gateway, '/v1/models/echo/tiny')).status).toBe(200)
    expect((await sendRequest(gateway, '/v1/models/other')).status).toBe(404)
  })
})
