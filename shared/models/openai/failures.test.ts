import { expect, test, vi } from 'vitest'
import { LaresError } from '../../base/errors.ts'
import {
  type AnswerHandler,
  answerOk,
  collectChunks,
  finishChunk,
  helloRequest,
  refuseWith,
  sendEvents,
  startModelServer,
  textChunk,
} from './server.fixture.ts'

test.each<[string, AnswerHandler]>([
  ['ends in the middle', response => sendEvents(response, [textChunk('Hel')])],
  ['is cut off', response => response.write(`data: ${textChunk('Hel')}\n\n`, () => response.destroy())],
  ['sends what is no JSON', response => sendEvents(response, ['{"choices": [', '[DONE]'])],
  [
    'sends an error inside the stream',
    response =>
      sendEvents(response, [textChunk('H'), JSON.stringify({ error: { message: 'out of memory' } })]),
  ],
  ['closes the connection', response => void response.destroy()],
])('says that trying again may help when the server %s', async (_how, answer) => {
  const { models } = await startModelServer(answer)
  await expect(collectChunks(models, helloRequest)).rejects.toMatchObject({
    code: 'unavailable',
    retryable: true,
  })
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
  const { models } = await startModelServer(refuseWith(status, 'the reason', headers))
  await expect(collectChunks(models, helloRequest)).rejects.toMatchObject(expected)
})

test('reads a Retry-After that is a date', async () => {
  const date = new Date(Date.now() + 60_000).toUTCString()
  const { models } = await startModelServer(refuseWith(503, 'later', { 'retry-after': date }))
  const error = await collectChunks(models, helloRequest).catch((error: LaresError) => error)
  expect((error as LaresError).retryAfterMs).toBeGreaterThan(50_000)
})

test('does not try an account without money again', async () => {
  const { models } = await startModelServer(response => {
    response.statusCode = 429
    response.end(JSON.stringify({ error: { message: 'no money', code: 'insufficient_quota' } }))
  })
  await expect(collectChunks(models, helloRequest)).rejects.toMatchObject({
    code: 'rejected',
    retryable: false,
  })
})

test('reports an answer that was filtered out as final', async () => {
  const { models } = await startModelServer(response =>
    sendEvents(response, [finishChunk('content_filter'), '[DONE]']),
  )
  await expect(collectChunks(models, helloRequest)).rejects.toMatchObject({
    code: 'rejected',
    retryable: false,
  })
})

test('says that a server that is not there may come back', async () => {
  const { models, stop } = await startModelServer(answerOk)
  await stop()
  await expect(collectChunks(models, helloRequest)).rejects.toMatchObject({
    code: 'unavailable',
    retryable: true,
    message: expect.stringContaining('ECONNREFUSED'),
  })
})

test.each<[string, AnswerHandler]>([
  ['before its first byte', () => undefined],
  ['in the middle', response => sendEvents(response, [textChunk('Hel')], false)],
])('gives up a server that falls silent %s', async (_when, answer) => {
  const { models, gone } = await startModelServer(answer, { firstByteTimeoutMs: 50, idleTimeoutMs: 50 })
  await expect(collectChunks(models, helloRequest)).rejects.toMatchObject({
    code: 'deadline_exceeded',
    retryable: true,
  })
  await vi.waitFor(() => expect(gone()).toBe(1))
})

test('ends the request, and the work of the server, when its signal is aborted', async () => {
  const controller = new AbortController()
  const reason = new LaresError('deadline_exceeded', 'the turn is over')
  const { models, gone } = await startModelServer(response => sendEvents(response, [textChunk('Hel')], false))
  const answer = models
    .generate('text-generation', { ...helloRequest, signal: controller.signal })
    [Symbol.asyncIterator]()
  await answer.next()
  controller.abort(reason)
  await expect(answer.next()).rejects.toBe(reason)
  await vi.waitFor(() => expect(gone()).toBe(1))
})

test('asks nothing when its signal is aborted already', async () => {
  const { models, requests } = await startModelServer(answerOk)
  await expect(collectChunks(models, { ...helloRequest, signal: AbortSignal.abort() })).rejects.toMatchObject(
    {
      code: 'unavailable',
    },
  )
  expect(requests).toEqual([])
})

test('ends the work of the server when the reader stops reading', async () => {
  const { models, gone } = await startModelServer(response => sendEvents(response, [textChunk('Hel')], false))
  for await (const _chunk of models.generate('text-generation', helloRequest)) break
  await vi.waitFor(() => expect(gone()).toBe(1))
})

test('ends running answers on close', async () => {
  const { models } = await startModelServer(response => sendEvents(response, [textChunk('Hel')], false))
  const answer = models.generate('text-generation', helloRequest)[Symbol.asyncIterator]()
  await answer.next()
  await models.close()
  await expect(answer.next()).rejects.toMatchObject({ code: 'unavailable' })
})

test('asks for the list again after a failure', async () => {
  const list: unknown[] = []
  const { models } = await startModelServer(answerOk, { model: undefined }, '/v1', list)
  list.push('nonsense')
  await expect(collectChunks(models, helloRequest)).rejects.toMatchObject({ code: 'unavailable' })
  list.splice(0, 1, { id: 'late' })
  await collectChunks(models, helloRequest)
})

test('passes its check when the server answers', async () => {
  const { models } = await startModelServer(answerOk)
  await models.check()
})

test('names the remedy when the server cannot be reached', async () => {
  const { models, stop } = await startModelServer(answerOk)
  await stop()
  await expect(models.check()).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('OPENAI_BASE_URL'),
  })
})

test('fails its check when the server has no model and none is given', async () => {
  const { models } = await startModelServer(answerOk, { model: undefined }, '/v1', [])
  await expect(models.check()).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('LARES_MODEL'),
  })
})
