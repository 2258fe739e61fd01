import { once } from 'node:events'
import { Agent as NodeAgent, request as nodeRequest } from 'node:http'
import { connect } from 'node:net'
import { request } from 'undici'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LaresError } from '../base/errors.ts'
import { defineFunction } from './definition.ts'
import { eventToHttp, NDJSON_MEDIA_TYPE } from './events/http-binding.ts'
import {
  type FunctionTestBed,
  openFunctionTestBed,
  parrotFunction,
  readError,
  resultDraft,
  skillRequestEvent,
  streamDraft,
} from './serve.fixture.ts'

let testBed: FunctionTestBed

beforeEach(async () => {
  testBed = await openFunctionTestBed()
})
afterEach(() => testBed.close())

const echoFunction = parrotFunction(event => resultDraft(event.data.text))

test('one event is answered in binary mode, caused by the event that came', async () => {
  const served = await testBed.serve(echoFunction)
  const { statusCode, headers, body } = await served.post(skillRequestEvent('hello'))
  expect(statusCode).toBe(200)
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'ce-type': 'lares.result.returned',
    'ce-source': '/lares/functions/parrot',
    'ce-subject': 'talk-1',
    'ce-partitionkey': 'talk-1',
    'ce-correlationid': 'said-1',
    'ce-causationid': 'said-1',
  })
  expect(await body.json()).toEqual({ callId: 'call-1', step: 0, status: 'ok', text: 'hello' })
})

test('no event is answered with 204, several with a batch', async () => {
  const served = await testBed.serve(
    parrotFunction(({ data }) => data.text.split(' ').filter(Boolean).map(resultDraft)),
  )
  expect((await served.post(skillRequestEvent(''))).statusCode).toBe(204)
  const { headers, body } = await served.post(skillRequestEvent('one two'))
  expect(headers['content-type']).toBe('application/cloudevents-batch+json')
  expect(await body.json()).toMatchObject([{ data: { text: 'one' } }, { data: { text: 'two' } }])
})

test('an event in structured mode is taken too', async () => {
  const served = await testBed.serve(echoFunction)
  const answered = await request(served.url, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
    body: JSON.stringify(skillRequestEvent('structured')),
  })
  expect(await answered.body.json()).toMatchObject({ text: 'structured' })
})

test('what is meant for another function is refused as misdirected', async () => {
  const served = await testBed.serve(echoFunction)
  expect(await readError(served.post(skillRequestEvent('hello'), { 'lares-function': 'owl' }))).toMatchObject(
    {
      status: 421,
      code: 'misdirected',
      message: 'this is parrot, not owl',
    },
  )
  expect((await served.post(skillRequestEvent('hello'), { 'lares-function': 'parrot' })).statusCode).toBe(200)
})

test('a stream arrives line by line, while the function is still at work', async () => {
  const more = Promise.withResolvers<void>()
  const served = await testBed.serve(
    parrotFunction(async function* () {
      yield streamDraft(0, 'first')
      await more.promise
      yield resultDraft('last')
    }),
  )
  const { headers, body } = await served.post(skillRequestEvent('go'), { accept: NDJSON_MEDIA_TYPE })
  expect(headers['content-type']).toBe(NDJSON_MEDIA_TYPE)
  const lines = body[Symbol.asyncIterator]()
  const first = await lines.next()
  expect(JSON.parse(first.value.toString())).toMatchObject({ data: { offset: 0, text: 'first' } })
  more.resolve()
  expect(JSON.parse((await lines.next()).value.toString())).toMatchObject({ data: { text: 'last' } })
  expect(await lines.next()).toMatchObject({ done: true })
})

test('a stream of nothing is answered with 204, and one that was not asked for with a batch', async () => {
  const served = await testBed.serve(
    parrotFunction(async function* ({ data }) {
      for (const word of data.text.split(' ').filter(Boolean)) yield resultDraft(word)
    }),
  )
  expect((await served.post(skillRequestEvent(''), { accept: NDJSON_MEDIA_TYPE })).statusCode).toBe(204)
  expect(await served.ask(skillRequestEvent('one two'))).toHaveLength(2)
})

test('a failure after the first streamed event is told in a last line, a failure before it by the status', async () => {
  const served = await testBed.serve(
    parrotFunction(async function* ({ data }) {
      if (data.text === 'late') yield streamDraft(0, 'so far')
      throw new LaresError('unavailable', 'the model is asleep', { retryAfterMs: 1_500 })
    }),
  )
  expect(await served.ask(skillRequestEvent('late'), { accept: NDJSON_MEDIA_TYPE })).toEqual([
    expect.objectContaining({ type: 'lares.stream.extended' }),
    {
      error: {
        code: 'unavailable',
        message: 'the model is asleep',
        retryable: true,
        retryAfterMs: 1_500,
      },
    },
  ])
  expect(await readError(served.post(skillRequestEvent('early'), { accept: NDJSON_MEDIA_TYPE }))).toEqual({
    status: 503,
    code: 'unavailable',
    message: 'the model is asleep',
    retryAfter: '2',
  })
})

test('an event that JSON cannot say ends a stream in order and frees its place', async () => {
  const served = await testBed.serve(
    parrotFunction(
      async function* ({ data }) {
        yield streamDraft(0, 'so far')
        if (data.text === 'cycle')
          yield { ...resultDraft(''), data: { ...resultDraft('').data, data: 1n } } as never
      },
      { concurrency: 1 },
    ),
  )
  expect((await served.ask(skillRequestEvent('cycle'), { accept: NDJSON_MEDIA_TYPE }))[1]).toMatchObject({
    error: { code: 'invalid_event', retryable: false },
  })
  expect(await served.ask(skillRequestEvent('again'), { accept: NDJSON_MEDIA_TYPE })).toHaveLength(1)
})

test.each([
  ['bad JSON', { body: '{"half' }, 400, 'invalid_event'],
  ['no body', { body: '' }, 400, 'invalid_event'],
  ['wrong data', { body: '{"text": 1}' }, 400, 'invalid_event'],
  [
    'an unknown key in the data',
    { body: JSON.stringify({ ...skillRequestEvent('x').data, extra: 1 }) },
    400,
    'invalid_event',
  ],
  ['a wrong content type', { headers: { 'content-type': 'text/plain' } }, 415, 'unsupported_media_type'],
  [
    'a batch',
    { headers: { 'content-type': 'application/cloudevents-batch+json' } },
    415,
    'unsupported_media_type',
  ],
  ['no id', { headers: { 'ce-id': '' } }, 400, 'invalid_event'],
  ['another version', { headers: { 'ce-specversion': '0.3' } }, 400, 'invalid_event'],
  ['no trace', { headers: { 'ce-traceparent': 'nonsense' } }, 400, 'invalid_event'],
  ['a broken percent-encoding', { headers: { 'ce-subject': '%C0%A0' } }, 400, 'invalid_event'],
  ['a type that nobody knows', { headers: { 'ce-type': 'com.example.some' } }, 422, 'unknown_type'],
  [
    'a type that is not its own',
    { headers: { 'ce-type': 'lares.skill.crow.requested' } },
    422,
    'unknown_type',
  ],
])('an event with %s is refused, and the connection goes on', async (_, wrong, status, code) => {
  const served = await testBed.serve(echoFunction)
  const agent = new NodeAgent({ keepAlive: true, maxSockets: 1 })
  const send = async (change: { headers?: object; body?: string }) => {
    const { headers, body } = eventToHttp(skillRequestEvent('hello'))
    const sent = nodeRequest(served.url, {
      method: 'POST',
      agent,
      headers: { ...headers, ...change.headers },
    })
    sent.end(change.body ?? body)
    const [response] = await once(sent, 'response')
    return { status: response.statusCode, body: await response.toArray(), reused: sent.reusedSocket }
  }
  const refused = await send(wrong)
  expect(refused.status).toBe(status)
  expect(JSON.parse(Buffer.concat(refused.body).toString())).toMatchObject({
    error: { code, message: expect.stringMatching(/.{10}/) },
  })
  expect(await send({})).toMatchObject({ status: 200, reused: true })
  agent.destroy()
})

test.each([
  ['with its length declared', true],
  ['without a declared length', false],
])('an oversized event %s gets to read its refusal, and nothing of it is handled', async (_, declared) => {
  const handle = vi.fn()
  const served = await testBed.serve(parrotFunction(handle), { maxBodyBytes: 10_000 })
  const body = Buffer.alloc(5_000_000, 'x')
  const agent = new NodeAgent({ keepAlive: true, maxSockets: 1 })
  const sent = nodeRequest(served.url, {
    method: 'POST',
    agent,
    headers: {
      ...eventToHttp(skillRequestEvent('x')).headers,
      ...(declared && { 'content-length': body.length }),
    },
  })
  sent.end(body)
  const [response] = await once(sent, 'response')
  expect(response.statusCode).toBe(413)
  expect(Buffer.concat(await response.toArray()).toString()).toContain('at most 10000 bytes')
  expect(handle).not.toHaveBeenCalled()
  agent.destroy()
})

test('what is thrown becomes a status that says whether to try again, and when', async () => {
  const thrown = new Map<string, unknown>([
    ['plain', new Error('lost my feathers')],
    ['text', 'just text'],
    ['final', new LaresError('rejected', 'never')],
    ['busy', new LaresError('busy', 'later', { retryAfterMs: 2_100 })],
    ['stubborn', new LaresError('failed', 'no use', { retryable: false })],
    ['hopeful', new LaresError('not_found', 'not yet', { retryable: true })],
  ])
  const served = await testBed.serve(
    parrotFunction(({ data }) => {
      throw thrown.get(data.text)
    }),
  )
  const told = async (text: string) => {
    const { status, code, message, retryAfter } = await readError(served.post(skillRequestEvent(text)))
    return [status, code, message, retryAfter]
  }
  expect(await told('plain')).toEqual([500, 'failed', 'lost my feathers', undefined])
  expect(await told('text')).toEqual([500, 'failed', 'just text', undefined])
  expect(await told('final')).toEqual([422, 'rejected', 'never', undefined])
  expect(await told('busy')).toEqual([429, 'busy', 'later', '3'])
  expect(await told('stubborn')).toEqual([422, 'failed', 'no use', undefined])
  expect(await told('hopeful')).toEqual([503, 'not_found', 'not yet', undefined])
})

test('a function that never answers is ended at its deadline with 504', async () => {
  const served = await testBed.serve(parrotFunction(() => new Promise(() => undefined), { timeoutMs: 20 }))
  expect(await readError(served.post(skillRequestEvent('hello')))).toMatchObject({
    status: 504,
    code: 'deadline_exceeded',
  })
})

test('more events at once than a function takes are answered 429 with Retry-After, and cost no place', async () => {
  const waiting: (() => void)[] = []
  const served = await testBed.serve(
    parrotFunction(
      async ({ data }) => {
        await new Promise<void>(resolve => waiting.push(resolve))
        return resultDraft(data.text)
      },
      { concurrency: 2 },
    ),
  )
  const taken = [served.ask(skillRequestEvent('one')), served.ask(skillRequestEvent('two'))]
  await vi.waitFor(() => expect(waiting).toHaveLength(2))
  expect(await readError(served.post(skillRequestEvent('three')))).toMatchObject({
    status: 429,
    code: 'busy',
    retryAfter: '1',
  })
  for (const release of waiting.splice(0)) release()
  expect(await Promise.all(taken)).toHaveLength(2)
  const fourth = served.ask(skillRequestEvent('four'))
  await vi.waitFor(() => expect(waiting).toHaveLength(1))
  waiting[0]!()
  expect(await fourth).toMatchObject([{ data: { text: 'four' } }])
})

test.each([
  ['an answer', {}],
  ['a stream', { accept: NDJSON_MEDIA_TYPE }],
])(
  'a client that goes away while it waits for %s aborts the work and frees its place',
  async (_, headers) => {
    const signals: AbortSignal[] = []
    const served = await testBed.serve(
      parrotFunction(
        async function* (_event, { signal }) {
          signals.push(signal)
          yield streamDraft(0, 'x')
          await once(signal, 'abort')
        },
        { concurrency: 1 },
      ),
    )
    const { port } = new URL(served.url)
    const event = eventToHttp(skillRequestEvent('hello'))
    const lines = Object.entries({ ...event.headers, ...headers, 'content-length': event.body.length })
    const socket = connect(Number(port), '127.0.0.1')
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\n${lines.map(pair => pair.join(': ')).join('\r\n')}\r\n\r\n`)
    socket.write(event.body)
    await vi.waitFor(() => expect(signals).toHaveLength(1))
    socket.destroy()
    await vi.waitFor(() => expect(signals[0]!.aborted).toBe(true))
    const next = served.post(skillRequestEvent('next'), { accept: NDJSON_MEDIA_TYPE })
    await vi.waitFor(async () => expect((await next).statusCode).toBe(200))
    ;(await next).body.destroy()
  },
)

test('health, readiness and the manifest are told, and other paths and methods refused', async () => {
  const served = await testBed.serve(
    defineFunction<'lares.message.received' | 'lares.message.transcribed' | 'lares.timer.fired'>({
      name: 'listener',
      receives: ['lares.message.received', 'lares.message.transcribed', 'lares.timer.fired'],
      emits: ['lares.skill.*.requested'],
      concurrency: 7,
      handle: () => undefined,
    }),
  )
  expect(await served.get('/_/health')).toEqual({ status: 200, body: { status: 'ok' } })
  expect(await served.get('/_/ready')).toEqual({ status: 200, body: { ready: true } })
  expect(await served.get('/_/manifest')).toEqual({
    status: 200,
    body: {
      name: 'listener',
      topics: ['lares.message', 'lares.timer'],
      emits: ['lares.skill.*.requested'],
      uses: [],
      concurrency: 7,
      timeoutMs: 30_000,
    },
  })
  expect(await served.get('/nothing')).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } })
  const got = await request(served.url)
  expect([got.statusCode, got.headers.allow]).toEqual([405, 'POST'])
  await got.body.dump()
})

test('a port that is taken is told with the remedy', async () => {
  const { port } = await testBed.serve(echoFunction)
  await expect(testBed.serve(echoFunction, { port })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/cannot be listened on: .*; choose another port/),
  })
})
