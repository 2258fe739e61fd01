import { once } from 'node:events'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { authorStackOf, LaresError } from '../../../shared/base/errors.ts'
import { silentLogger } from '../../../shared/base/log.ts'
import type { LaresEvent } from '../../../shared/contract/events/event.ts'
import { eventToHttp, NDJSON_MEDIA_TYPE, toJson } from '../../../shared/contract/events/http-binding.ts'
import { createInvocable } from '../../../shared/contract/invoke.ts'
import { type RunningFunction, serve } from '../../../shared/contract/serve.ts'
import { openFolderObjects } from '../../../shared/objects/folder.ts'
import {
  type ConnectorTestBed,
  messageEvent,
  openConnectorTestBed,
  resultDraft,
  streamDraft,
  testFunction,
  waitUntil,
} from '../connector.fixture.ts'
import { httpInvoker } from './http-invoker.ts'
import type { Invoker } from './invoker.ts'

let server: Server | undefined
let running: RunningFunction | undefined
let url = ''
let invoker: Invoker

beforeEach(() => {
  invoker = httpInvoker({ urlOf: () => url })
})
afterEach(async () => {
  await invoker.close()
  server?.closeAllConnections()
  server?.close()
  await running?.drain()
  server = running = undefined
})

/** A server that answers as a function, or a proxy in front of one, may answer. */
async function serveWith(listener: RequestListener): Promise<void> {
  server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function invoke(signal = new AbortController().signal): Promise<LaresEvent[]> {
  const events: LaresEvent[] = []
  for await (const event of invoker.invoke('stage', messageEvent('a1', 'a'), signal)) events.push(event)
  return events
}

const emittedEvent = messageEvent('r1', 'a')
const respondWith =
  (code: number, headers: Record<string, string> = {}, body = ''): RequestListener =>
  (request, response) => {
    request.resume()
    response.writeHead(code, headers).end(body)
  }

test.each([
  [408, 'failed', true],
  [421, 'unavailable', true],
  [425, 'failed', true],
  [429, 'busy', true],
  [500, 'failed', true],
  [502, 'failed', true],
  [503, 'unavailable', true],
  [504, 'failed', true],
  [301, 'rejected', false],
  [400, 'rejected', false],
  [401, 'rejected', false],
  [404, 'rejected', false],
  [409, 'rejected', false],
  [413, 'rejected', false],
  [422, 'rejected', false],
])('the answer %i is a failure "%s" that is tried again: %s', async (code, name, retryable) => {
  await serveWith(respondWith(code, {}, '{"error":{"code":"x","message":"the reason"}}'))
  await expect(invoke()).rejects.toMatchObject({
    code: name,
    retryable,
    message: `stage answered ${code}: x: the reason`,
  })
})

test('of somebody who was forgotten a function says so by the code, and the status alone is a refusal', async () => {
  await serveWith(respondWith(410, {}, '{"error":{"code":"forgotten","message":"the reason"}}'))
  await expect(invoke()).rejects.toMatchObject({ code: 'forgotten', retryable: false })
  server!.close()
  await serveWith(respondWith(410, {}, '{"error":{"code":"gone","message":"the reason"}}'))
  await expect(invoke()).rejects.toMatchObject({ code: 'rejected', retryable: false })
  server!.close()
  const line = JSON.stringify({ error: { code: 'forgotten', message: 'the reason', retryable: false } })
  await serveWith(streamLines(response => response.end(`${line}\n`)))
  await expect(invoke()).rejects.toMatchObject({ code: 'forgotten', retryable: false })
})

test('Retry-After is read in seconds and as a date, and nonsense is none', async () => {
  const inAMinute = new Date(Date.now() + 60_000).toUTCString()
  const past = new Date(0).toUTCString()
  for (const [header, from, to] of [
    ['7', 7_000, 7_000],
    ['0', 0, 0],
    [inAMinute, 55_000, 60_000],
    [past, 0, 0],
  ] as const) {
    await serveWith(respondWith(503, { 'retry-after': header }))
    const error = (await invoke().catch(error => error)) as LaresError
    expect(error.retryAfterMs).toBeGreaterThanOrEqual(from)
    expect(error.retryAfterMs).toBeLessThanOrEqual(to)
    server!.close()
  }
  await serveWith(respondWith(503, { 'retry-after': 'soon' }, 'plain words'))
  await expect(invoke()).rejects.toMatchObject({
    retryAfterMs: undefined,
    message: 'stage answered 503: plain words',
  })
})

test('an answer is none, one, a batch or a stream of events', async () => {
  const { headers, body } = eventToHttp(emittedEvent)
  const batch = { 'content-type': 'application/cloudevents-batch+json; charset=utf-8' }
  const answers: [RequestListener, LaresEvent[]][] = [
    [respondWith(204), []],
    [respondWith(202), []],
    [respondWith(200, headers, body.toString()), [emittedEvent]],
    [
      respondWith(200, { 'content-type': 'application/cloudevents+json' }, toJson(emittedEvent)),
      [emittedEvent],
    ],
    [respondWith(200, batch, toJson([emittedEvent, emittedEvent])), [emittedEvent, emittedEvent]],
    [respondWith(200, batch, '[]'), []],
    [
      respondWith(
        200,
        { 'content-type': NDJSON_MEDIA_TYPE },
        `${toJson(emittedEvent)}\n${toJson(emittedEvent)}\n`,
      ),
      [emittedEvent, emittedEvent],
    ],
  ]
  for (const [listener, events] of answers) {
    await serveWith(listener)
    expect(await invoke()).toEqual(events)
    server!.close()
  }
})

test('an answer that is no event is refused for good', async () => {
  for (const [type, body] of [
    ['text/html', '<html>'],
    ['application/json', '{}'],
    ['application/cloudevents-batch+json', '{}'],
    [NDJSON_MEDIA_TYPE, 'null\n'],
    [NDJSON_MEDIA_TYPE, 'half a li\n'],
  ] as const) {
    await serveWith(respondWith(200, { 'content-type': type }, body))
    await expect(invoke()).rejects.toMatchObject({ retryable: false })
    server!.close()
  }
})

/** A stream that sends one event and then ends as the test defines. */
const streamLines =
  (end: (response: ServerResponse) => void): RequestListener =>
  (request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': NDJSON_MEDIA_TYPE })
    response.write(`${toJson(emittedEvent)}\n`, () => end(response))
  }

test.each([
  ['breaks', (response: ServerResponse) => response.destroy()],
  ['breaks within a line', (response: ServerResponse) => response.write('{"half', () => response.destroy())],
  ['ends within a line', (response: ServerResponse) => response.end('{"half')],
])('a stream that %s gives what came and fails, to be tried again', async (_, end) => {
  await serveWith(streamLines(end))
  const events = invoker
    .invoke('stage', messageEvent('a1', 'a'), new AbortController().signal)
    [Symbol.asyncIterator]()
  expect((await events.next()).value).toEqual(emittedEvent)
  await expect(events.next()).rejects.toMatchObject({ code: 'failed', retryable: true })
})

test('the error in the last line of a stream says whether and when to try again', async () => {
  for (const told of [{ retryable: false }, { retryable: true, retryAfterMs: 7 }]) {
    const line = JSON.stringify({ error: { code: 'x', message: 'the model fell over', ...told } })
    await serveWith(streamLines(response => response.end(`${line}\n`)))
    await expect(invoke()).rejects.toMatchObject({
      code: 'failed',
      message: 'stage: the model fell over',
      ...told,
    })
    server!.close()
  }
})

test('nobody listening, and an address that is not known, mean that the function is away', async () => {
  await serveWith(respondWith(204))
  server!.close()
  await once(server!, 'close')
  await expect(invoke()).rejects.toMatchObject({ code: 'unavailable' })
  const lost = httpInvoker({
    urlOf: name => {
      throw new LaresError('unavailable', `nobody knows ${name}`)
    },
  })
  await expect(lost.manifest('stage')).rejects.toMatchObject({
    code: 'unavailable',
    message: 'nobody knows stage',
  })
  await lost.close()
})

test('a connection that breaks after the event was sent counts as a try', async () => {
  await serveWith(request => void request.socket.destroy())
  await expect(invoke()).rejects.toMatchObject({ code: 'failed', retryable: true })
})

test('a call ends when the connector stops', async () => {
  const controller = new AbortController()
  await serveWith(() => controller.abort())
  await expect(invoke(controller.signal)).rejects.toMatchObject({ code: 'failed' })
})

test('a path in the address is kept, as behind the gateway of OpenFaaS', async () => {
  const paths: (string | undefined)[] = []
  await serveWith((request, response) => {
    paths.push(request.url)
    response.writeHead(request.url?.includes('manifest') ? 404 : 204).end()
  })
  url = `${url}/function/stage/`
  await invoke()
  await expect(invoker.manifest('stage')).rejects.toMatchObject({ code: 'rejected' })
  expect(paths).toEqual(['/function/stage/', '/function/stage/_/manifest'])
})

test('a manifest that is none is refused', async () => {
  await serveWith(respondWith(200, { 'content-type': 'application/json' }, '{"name": "stage"}'))
  await expect(invoker.manifest('stage')).rejects.toThrow(/topics/)
})

/** A function in its real runtime, at an address that was free before. */
async function serveTestFunction(works: ConnectorTestBed, port = 0, name = 'stage'): Promise<void> {
  const handles = testFunction(async function* (event) {
    yield streamDraft(0, 'a\u2028b')
    yield resultDraft(event.id)
  })
  const definition = { ...handles, name }
  const objects = openFolderObjects(works.folder)
  running = await serve(createInvocable(definition, { services: {}, objects, log: silentLogger }), {
    port,
    log: silentLogger,
  })
  url = `http://127.0.0.1:${running.port}`
}

test('another function at the address has not seen the event', async () => {
  const works = await openConnectorTestBed()
  await serveTestFunction(works)
  await invoker.manifest('stage')
  expect(await invoke()).toHaveLength(2)
  await running!.drain()
  await serveTestFunction(works, 0, 'other')
  await expect(invoke()).rejects.toMatchObject({
    code: 'unavailable',
    message: 'stage answered 421: misdirected: this is other, not stage',
  })
  await works.close()
})

test('with its manifest read, a function that streams is asked for its events as they come', async () => {
  const works = await openConnectorTestBed()
  await serveTestFunction(works)
  const accepted: (string | undefined)[] = []
  server = createServer((request, response) => {
    accepted.push(request.headers.accept)
    response.writeHead(204).end()
  })
  expect((await invoker.manifest('stage')).timeoutMs).toBe(30_000)
  const events = await invoke()
  expect(events).toMatchObject([streamDraft(0, 'a\u2028b'), resultDraft('a1')])
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await invoke()
  expect(accepted).toEqual([NDJSON_MEDIA_TYPE])
  await works.close()
})

test('a function that is away uses up no tries, and its events are handled when it is back', async () => {
  const works = await openConnectorTestBed()
  await serveTestFunction(works)
  const { port } = running!
  await running!.drain()
  let away = 0
  const works2 = await openConnectorTestBed()
  works2.deploy(testFunction(() => undefined))
  const counting: Invoker = {
    ...invoker,
    invoke(name, event, signal) {
      away++
      return invoker.invoke(name, event, signal)
    },
  }
  await works2.start({ invoker: counting, retry: { maxAttempts: 2 } })
  await works2.events.publish([messageEvent('a1', 'a'), messageEvent('b1', 'b')])
  await waitUntil(() => expect(away).toBeGreaterThan(12))
  expect(await works2.deadLetters()).toEqual([])
  await serveTestFunction(works, port)
  await waitUntil(async () => expect((await works2.results()).sort()).toEqual(['a1', 'b1']))
  expect(await works2.deadLetters()).toEqual([])
  await works2.close()
  await works.close()
})

test.each(['at once', 'in a stream'])('what a handler throws %s comes with its stack', async when => {
  const works = await openConnectorTestBed()
  const definition = testFunction(async function* (event) {
    if (when === 'in a stream') yield streamDraft(0, event.id)
    throw new TypeError('boom')
  })
  const objects = openFolderObjects(works.folder)
  const one = createInvocable(definition, { services: {}, objects, log: silentLogger })
  running = await serve(one, { port: 0, log: silentLogger })
  url = `http://127.0.0.1:${running.port}`
  await invoker.manifest('stage')
  const error: LaresError = await invoke().catch(error => error)
  expect(authorStackOf(error)).toMatch(/TypeError: boom\n.*http-invoker\.test\.ts:\d+/)
  await works.close()
})
