import { expect, test } from 'vitest'
import {
  answerOk,
  collectChunks,
  finishChunk,
  helloRequest,
  refuseWith,
  sendEvents,
  startModelServer,
  textChunk,
  textOf,
  toolCallChunk,
  toolCallsOf,
  usageChunk,
  weatherRequest,
} from './server.fixture.ts'

test('streams text as it comes, then the end with its reason, usage and model', async () => {
  let goOn: () => void = () => expect.unreachable('the server has not been asked')
  const { models } = await startModelServer(response => {
    sendEvents(response, [textChunk('Hel')], false)
    goOn = () => sendEvents(response, [textChunk('lo'), finishChunk('stop'), usageChunk(7, 2), '[DONE]'])
  })
  const answer = models.generate('text-generation', helloRequest)[Symbol.asyncIterator]()
  expect((await answer.next()).value).toEqual({ kind: 'text', text: 'Hel' })
  goOn()
  expect((await answer.next()).value).toEqual({ kind: 'text', text: 'lo' })
  expect((await answer.next()).value).toEqual({
    kind: 'end',
    finishReason: 'stop',
    usage: { inputTokens: 7, outputTokens: 2 },
    model: 'served-1',
  })
  expect(await answer.next()).toEqual({ done: true, value: undefined })
})

test('sends only what is asked for, and a key only when there is one', async () => {
  const { models, requests } = await startModelServer(answerOk)
  await collectChunks(models, helloRequest)
  expect(requests[0]).toMatchObject({ method: 'POST', path: '/v1/chat/completions' })
  expect(requests[0]?.headers.authorization).toBeUndefined()
  expect(requests[0]?.body).toEqual({
    model: 'm',
    messages: [{ role: 'user', content: 'hello' }],
    stream: true,
    stream_options: { include_usage: true },
  })
})

test('sends key, limits, tools and earlier tool calls in the words of the protocol', async () => {
  const { models, requests } = await startModelServer(answerOk, { apiKey: 'secret' })
  await collectChunks(models, {
    ...weatherRequest,
    messages: [
      ...weatherRequest.messages,
      {
        role: 'assistant',
        content: '',
        toolCalls: [{ id: 'c1', name: 'weather', arguments: { city: 'Bern' } }],
      },
      { role: 'tool', content: 'sunny', toolCallId: 'c1' },
    ],
    maxTokens: 9,
    temperature: 0,
    seed: 4,
  })
  expect(requests[0]?.headers.authorization).toBe('Bearer secret')
  expect(requests[0]?.body).toMatchObject({ max_tokens: 9, temperature: 0, seed: 4 })
  expect(requests[0]?.body.tools).toEqual([{ type: 'function', function: weatherRequest.tools![0] }])
  expect(requests[0]?.body.messages).toEqual([
    { role: 'user', content: 'hello' },
    {
      role: 'assistant',
      content: '',
      tool_calls: [
        { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } },
      ],
    },
    { role: 'tool', content: 'sunny', tool_call_id: 'c1' },
  ])
})

test.each(['', '/', '/v1', '/v1/', '/v1/chat/completions', '/proxy/v1beta/openai', '/proxy'])(
  'finds the API when the base URL ends in "%s"',
  async end => {
    const { models, requests } = await startModelServer(answerOk, {}, end)
    await collectChunks(models, helloRequest)
    const expected: Record<string, string> = {
      '/proxy/v1beta/openai': '/proxy/v1beta/openai/chat/completions',
      '/proxy': '/proxy/v1/chat/completions',
    }
    expect(requests[0]?.path).toBe(expected[end] ?? '/v1/chat/completions')
  },
)

test('puts a tool call together from its parts', async () => {
  const { models } = await startModelServer(response =>
    sendEvents(response, [
      toolCallChunk({ index: 0, id: 'c1', function: { name: 'weather', arguments: '' } }),
      toolCallChunk({ index: 0, function: { arguments: '{"city":' } }),
      toolCallChunk({ index: 1, id: 'c2', function: { name: 'weather', arguments: '{"city":"Rome"}' } }),
      toolCallChunk({ index: 0, function: { arguments: '"Bern"}' } }),
      finishChunk('tool_calls'),
      '[DONE]',
    ]),
  )
  const chunks = await collectChunks(models, weatherRequest)
  expect(toolCallsOf(chunks)).toEqual([
    { id: 'c1', name: 'weather', arguments: { city: 'Bern' } },
    { id: 'c2', name: 'weather', arguments: { city: 'Rome' } },
  ])
  expect(chunks.at(-1)).toMatchObject({ kind: 'end', finishReason: 'tool-calls' })
})

test.each([
  ['no id', [{ index: 0, function: { name: 'weather', arguments: '{"city":"Bern"}' } }]],
  ['neither index nor id', [{ function: { name: 'weather', arguments: '{"city":"Bern"}' } }]],
  ['an empty id', [{ index: 0, id: '', function: { name: 'weather', arguments: '{"city":"Bern"}' } }]],
  [
    'arguments as an object',
    [{ index: 0, id: 'c', function: { name: 'weather', arguments: { city: 'Bern' } } }],
  ],
  [
    'arguments encoded twice',
    [{ index: 0, function: { name: 'weather', arguments: '"{\\"city\\":\\"Bern\\"}"' } }],
  ],
  [
    'its name and id in every part',
    [
      { index: 0, id: 'c', function: { name: 'weather', arguments: '{"city":' } },
      { index: 0, id: 'c', function: { name: 'weather', arguments: '"Bern"}' } },
    ],
  ],
  [
    'parts without an index',
    [
      { id: 'c', function: { name: 'weather', arguments: '{"city"' } },
      { function: { arguments: ':"Bern"}' } },
    ],
  ],
])('understands a tool call with %s', async (_quirk, deltas) => {
  const { models } = await startModelServer(response =>
    sendEvents(response, [...deltas.map(toolCallChunk), finishChunk('stop'), '[DONE]']),
  )
  const chunks = await collectChunks(models, weatherRequest)
  expect(toolCallsOf(chunks)).toEqual([
    { id: expect.stringMatching(/./), name: 'weather', arguments: { city: 'Bern' } },
  ])
  expect(chunks.at(-1)).toMatchObject({ finishReason: 'tool-calls' })
})

test('tells two whole calls under one index apart', async () => {
  const whole = (id: string) =>
    toolCallChunk({ index: 0, id, function: { name: 'weather', arguments: '{}' } })
  const { models } = await startModelServer(response =>
    sendEvents(response, [whole('a'), whole('b'), finishChunk('stop'), '[DONE]']),
  )
  expect(toolCallsOf(await collectChunks(models, weatherRequest)).map(call => call.id)).toEqual(['a', 'b'])
})

test('gives calls without id different ids', async () => {
  const call = { function: { name: 'weather', arguments: '{}' } }
  const { models } = await startModelServer(response =>
    sendEvents(response, [toolCallChunk(call), toolCallChunk(call), finishChunk('stop'), '[DONE]']),
  )
  expect(new Set(toolCallsOf(await collectChunks(models, weatherRequest)).map(({ id }) => id)).size).toBe(2)
})

test('takes a call without arguments as one with none', async () => {
  const { models } = await startModelServer(response =>
    sendEvents(response, [
      toolCallChunk({ index: 0, id: 'c', function: { name: 'weather' } }),
      finishChunk('tool_calls'),
      '[DONE]',
    ]),
  )
  expect(toolCallsOf(await collectChunks(models, weatherRequest))[0]?.arguments).toEqual({})
})

test.each(['{"city":', '[1]', '7'])(
  'says that arguments like %s cannot be read, and that trying again may help',
  async bad => {
    const { models } = await startModelServer(response =>
      sendEvents(response, [
        toolCallChunk({ index: 0, id: 'c', function: { name: 'weather', arguments: bad } }),
        finishChunk('stop'),
        '[DONE]',
      ]),
    )
    await expect(collectChunks(models, weatherRequest)).rejects.toMatchObject({
      code: 'failed',
      retryable: true,
    })
  },
)

test('reads CRLF, comments that keep the line alive, null fields and text cut inside a character', async () => {
  const { models } = await startModelServer(response => {
    const bytes = Buffer.from(
      [
        ': keep-alive',
        '',
        `data: ${JSON.stringify({ choices: [{ delta: { role: 'assistant', content: null, tool_calls: null }, finish_reason: null }], usage: null })}`,
        '',
        ': keep-alive',
        '',
        `data: ${textChunk('你好 wörld')}`,
        '',
        `data: ${finishChunk('stop')}`,
        '',
        'data: [DONE]',
        '',
        '',
      ].join('\r\n'),
    )
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const send = (at: number): unknown =>
      at < bytes.length ? response.write(bytes.subarray(at, at + 1), () => send(at + 1)) : response.end()
    send(0)
  })
  expect(textOf(await collectChunks(models, helloRequest))).toBe('你好 wörld')
})

test('takes a whole JSON answer from a server that does not stream', async () => {
  const message = {
    role: 'assistant',
    content: 'Hello',
    tool_calls: [{ function: { name: 'weather', arguments: {} } }],
  }
  const { models } = await startModelServer(response => {
    response.setHeader('content-type', 'application/json; charset=utf-8')
    response.end(
      JSON.stringify({
        model: 'x',
        choices: [{ message, finish_reason: 'stop' }],
        usage: { prompt_tokens: 1, completion_tokens: 2 },
      }),
    )
  })
  const chunks = await collectChunks(models, weatherRequest)
  expect(textOf(chunks)).toBe('Hello')
  expect(toolCallsOf(chunks)).toHaveLength(1)
  expect(chunks.at(-1)).toMatchObject({ model: 'x', usage: { inputTokens: 1, outputTokens: 2 } })
})

test('estimates the usage when the server does not tell it', async () => {
  const { models } = await startModelServer(response =>
    sendEvents(response, [textChunk('eight by'), finishChunk('length'), '[DONE]']),
  )
  expect((await collectChunks(models, helloRequest)).at(-1)).toMatchObject({
    finishReason: 'length',
    usage: { inputTokens: expect.any(Number), outputTokens: 2 },
  })
})

test('takes an answer without [DONE] when it has its reason to end', async () => {
  const { models } = await startModelServer(response =>
    sendEvents(response, [textChunk('all'), finishChunk('stop')]),
  )
  expect(textOf(await collectChunks(models, helloRequest))).toBe('all')
})

test.each([
  ['stream_options', 'Unknown parameter: stream_options', helloRequest],
  [
    'temperature',
    "'temperature' does not support 0.5 with this model",
    { ...helloRequest, temperature: 0.5 },
  ],
  ['seed', 'seed is not a known field', { ...helloRequest, seed: 1 }],
  ['tools', 'registry/gemma:2b does not support tools', weatherRequest],
  [
    'max_tokens',
    "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
    { ...helloRequest, maxTokens: 5 },
  ],
])(
  'leaves out %s for a server that refuses it, and does not ask twice',
  async (field, complaint, request) => {
    const { models, requests } = await startModelServer((response, { body }) =>
      field in body ? refuseWith(400, complaint)(response) : answerOk(response),
    )
    await collectChunks(models, request)
    await collectChunks(models, request)
    expect(requests.map(({ body }) => field in body)).toEqual([true, false, false])
  },
)

test('says so when the model turns out to have no tools', async () => {
  const { models } = await startModelServer((response, { body }) =>
    'tools' in body ? refuseWith(500, 'tools param requires --jinja flag')(response) : answerOk(response),
  )
  expect(await models.capabilities('text-generation')).toMatchObject({ tools: true })
  await collectChunks(models, weatherRequest)
  expect(await models.capabilities('text-generation')).toMatchObject({ tools: false })
})

test('takes the first model of the server, with its context, when none is given', async () => {
  const list = [{ id: 'first', max_model_len: 4096 }, { id: 'second' }]
  const { models, requests } = await startModelServer(answerOk, { model: undefined }, '/v1', list)
  expect(await models.capabilities('text-generation')).toEqual({
    model: 'first',
    tools: true,
    contextTokens: 4096,
  })
  await collectChunks(models, helloRequest)
  expect(requests.map(({ path }) => path)).toEqual(['/v1/models', '/v1/chat/completions'])
  expect(requests[1]?.body.model).toBe('first')
})

test('assumes a context when the server does not tell it', async () => {
  const { models } = await startModelServer(answerOk, {}, '/v1', [])
  expect(await models.capabilities('text-generation')).toEqual({
    model: 'm',
    tools: true,
    contextTokens: 8192,
  })
})
