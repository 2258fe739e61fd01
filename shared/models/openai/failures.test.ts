import { expect, test, vi } from 'vitest'
import { LaresError } from '../../base/errors.ts'
import { type Answer, collect, finished, hello, refuse, said, serve, short, sse } from './server.fixture.ts'

test.each<[string, Answer]>([
  ['ends in the middle', response => sse(response, [said('Hel')])],
  ['is cut off', response => response.write(`data: ${said('Hel')}\n\n`, () => response.destroy())],
  ['sends what is no JSON', response => sse(response, ['{"choices": [', '[DONE]'])],
  [
    'sends an error inside the stream',
    response => sse(response, [said('H'), JSON.stringify({ error: { message: 'out of memory' } })]),
  ],
  ['closes the connection', response => void response.destroy()],
])('says that trying again may help when the server %s', async (_how, answer) => {
  const { models } = await serve(answer)
  await expect(collect(models, hello)).rejects.toMatchObject({ code: 'unavailable', retryable: true })
})

test.each([
  [429, { 'retry-after': '7' }, { code: 'busy', retryable: true, retryAfterMs: 7000 }],
  [429, { 'retry-after-ms': '250' }, { code: 'busy', retryable: true, retryAfterMs: 250 }],
  [429, {}, { code: 'busy', retryable: true, retryAfterMs: undefined }],
  [500, {}, { code: 'unavailable', retryable: true }],
  [503, { 'retry-after': '1' }, { code: 'unavailable', retryable: true, retryAfterMs: 1000 }],
  [408, {}, { code: 'unavailable', retryable: true }],
  [400, {}, { code: 'rejected', retryable: false, message: expect.stringContaining('the reason') }],
  [401, {}, { code: 'rejected', retryable: false, message: expect.stringContaining('OPENAI_API_KEY') }],
  [404, {}, { code: 'rejected', retryable: false, message: expect.stringContaining('OPENAI_BASE_URL') }],
])('makes of HTTP %i with %o the error %o', async (status, headers, expected) => {
  const { models } = await serve(refuse(status, 'the reason', headers))
  await expect(collect(models, hello)).rejects.toMatchObject(expected)
})

test('reads a Retry-After that is a date', async () => {
  const date = new Date(Date.now() + 60_000).toUTCString()
  const { models } = await serve(refuse(503, 'later', { 'retry-after': date }))
  const error = await collect(models, hello).catch((error: LaresError) => error)
  expect((error as LaresError).retryAfterMs).toBeGreaterThan(50_000)
})

test('does not try an account without money again', async () => {
  const { models } = await serve(response => {
    response.statusCode = 429
    response.end(JSON.stringify({ error: { message: 'no money', code: 'insufficient_quota' } }))
  })
  await expect(collect(models, hello)).rejects.toMatchObject({ code: 'rejected', retryable: false })
})

test('reports an answer that was filtered out as final', async () => {
  const { models } = await serve(response => sse(response, [finished('content_filter'), '[DONE]']))
  await expect(collect(models, hello)).rejects.toMatchObject({ code: 'rejected', retryable: false })
})

test('says that a server that is not there may come back', async () => {
  const { models, stop } = await serve(short)
  await stop()
  await expect(collect(models, hello)).rejects.toMatchObject({
    code: 'unavailable',
    retryable: true,
    message: expect.stringContaining('ECONNREFUSED'),
  })
})

test.each<[string, Answer]>([
  ['before its first byte', () => undefined],
  ['in the middle', response => sse(response, [said('Hel')], false)],
])('gives up a server that falls silent %s', async (_when, answer) => {
  const { models, gone } = await serve(answer, { firstByteTimeoutMs: 50, idleTimeoutMs: 50 })
  await expect(collect(models, hello)).rejects.toMatchObject({ code: 'deadline_exceeded', retryable: true })
  await vi.waitFor(() => expect(gone()).toBe(1))
})

test('ends the request, and the work of the server, when its signal is aborted', async () => {
  const controller = new AbortController()
  const reason = new LaresError('deadline_exceeded', 'the turn is over')
  const { models, gone } = await serve(response => sse(response, [said('Hel')], false))
  const answer = models
    .generate('text-generation', { ...hello, signal: controller.signal })
    [Symbol.asyncIterator]()
  await answer.next()
  controller.abort(reason)
  await expect(answer.next()).rejects.toBe(reason)
  await vi.waitFor(() => expect(gone()).toBe(1))
})

test('asks nothing when its signal is aborted already', async () => {
  const { models, requests } = await serve(short)
  await expect(collect(models, { ...hello, signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'unavailable',
  })
  expect(requests).toEqual([])
})

test('ends the work of the server when the reader stops reading', async () => {
  const { models, gone } = await serve(response => sse(response, [said('Hel')], false))
  for await (const _chunk of models.generate('text-generation', hello)) break
  await vi.waitFor(() => expect(gone()).toBe(1))
})

test('ends running answers on close', async () => {
  const { models } = await serve(response => sse(response, [said('Hel')], false))
  const answer = models.generate('text-generation', hello)[Symbol.asyncIterator]()
  await answer.next()
  await models.close()
  await expect(answer.next()).rejects.toMatchObject({ code: 'unavailable' })
})

test('asks for the list again after a failure', async () => {
  const list: unknown[] = []
  const { models } = await serve(short, { model: undefined }, '/v1', list)
  list.push('nonsense')
  await expect(collect(models, hello)).rejects.toMatchObject({ code: 'unavailable' })
  list.splice(0, 1, { id: 'late' })
  await collect(models, hello)
})

test('passes its check when the server answers', async () => {
  const { models } = await serve(short)
  await models.check()
})

test('names the remedy when the server cannot be reached', async () => {
  const { models, stop } = await serve(short)
  await stop()
  await expect(models.check()).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('OPENAI_BASE_URL'),
  })
})

test('fails its check when the server has no model and none is given', async () => {
  const { models } = await serve(short, { model: undefined }, '/v1', [])
  await expect(models.check()).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('LARES_MODEL'),
  })
})
