import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request as nodeRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { freePort } from '../base/free-port.ts'
import { eventToHttp, NDJSON_MEDIA_TYPE } from '../contract/events/http-binding.ts'
import {
  type FunctionTestBed,
  openFunctionTestBed,
  parrotFunction,
  readError,
  resultDraft,
  skillRequestEvent,
  streamDraft,
} from '../contract/serve.fixture.ts'

const MAIN = new URL('./main.ts', import.meta.url).pathname

let testBed: FunctionTestBed
let folder: string
let child: ChildProcess | undefined

beforeEach(async () => {
  testBed = await openFunctionTestBed()
  folder = await mkdtemp(join(tmpdir(), 'lares-drain-'))
})
afterEach(async () => {
  child?.kill('SIGKILL')
  child = undefined
  await testBed.close()
  await rm(folder, { recursive: true })
})

/** A handler that works until a signal ends it. */
function blockingFunction() {
  const end = Promise.withResolvers<void>()
  const signals: AbortSignal[] = []
  const definition = parrotFunction(async (_, { signal }) => {
    signals.push(signal)
    await Promise.race([end.promise, once(signal, 'abort')])
    return resultDraft('done')
  })
  return { definition, end: end.resolve, signals }
}

test('a function is not ready, and refuses events, until its init has ended', async () => {
  const initialised = Promise.withResolvers<void>()
  const port = await freePort()
  const serving = testBed.serve(
    parrotFunction(() => undefined, { init: () => initialised.promise }),
    { port },
  )
  const url = `http://127.0.0.1:${port}`
  const ready = async () => (await request(`${url}/_/ready`)).statusCode
  await vi.waitFor(async () => expect(await ready()).toBe(503))
  const { headers, body } = eventToHttp(skillRequestEvent('hello'))
  expect(await readError(request(url, { method: 'POST', headers, body }))).toMatchObject({
    status: 503,
    code: 'unavailable',
    retryAfter: '1',
  })
  initialised.resolve()
  const served = await serving
  expect(await ready()).toBe(200)
  expect((await served.post(skillRequestEvent('hello'))).statusCode).toBe(204)
})

test('an init that fails is told, and the port is free again', async () => {
  const port = await freePort()
  const init = () => Promise.reject(new Error('no seeds'))
  await expect(
    testBed.serve(
      parrotFunction(() => undefined, { init }),
      { port },
    ),
  ).rejects.toThrow('no seeds')
  const served = await testBed.serve(
    parrotFunction(() => undefined),
    { port },
  )
  expect((await served.get('/_/health')).status).toBe(200)
})

test('a drain lets running work finish, refuses what is new, closes the connections, and runs destroy last', async () => {
  const { definition, end, signals } = blockingFunction()
  const destroyed = vi.fn()
  const served = await testBed.serve({ ...definition, destroy: destroyed })
  const agent = new Agent({ keepAlive: true })
  const running = served.ask(skillRequestEvent('hello'))
  await vi.waitFor(() => expect(signals).toHaveLength(1))
  const drained = served.drain()
  expect(await served.get('/_/ready')).toMatchObject({ status: 503 })
  const { headers, body } = eventToHttp(skillRequestEvent('late'))
  const late = nodeRequest(served.url, { method: 'POST', headers, agent }).end(body)
  const [response] = await once(late, 'response')
  expect([response.statusCode, response.headers.connection]).toEqual([503, 'close'])
  response.resume()
  expect([signals[0]!.aborted, destroyed.mock.calls.length]).toEqual([false, 0])
  end()
  expect(await running).toMatchObject([{ data: { text: 'done' } }])
  await drained
  expect(destroyed).toHaveBeenCalledOnce()
  await expect(request(served.url)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  agent.destroy()
})

test('a stream that runs when the drain begins is sent to its end, and holds up nothing afterwards', async () => {
  const end = Promise.withResolvers<void>()
  const served = await testBed.serve(
    parrotFunction(async function* () {
      yield streamDraft(0, 'first')
      await end.promise
      // Larger than any socket's buffer: it is still being sent when the handler has ended.
      yield resultDraft('x'.repeat(8_000_000))
    }),
  )
  const { body } = await served.post(skillRequestEvent('go'), { accept: NDJSON_MEDIA_TYPE })
  const lines = body[Symbol.asyncIterator]()
  await lines.next()
  const drained = served.drain()
  end.resolve()
  let bytes = 0
  for await (const part of { [Symbol.asyncIterator]: () => lines }) bytes += part.length
  expect(bytes).toBeGreaterThan(8_000_000)
  await drained
})

test('work that outlasts the drain is aborted', async () => {
  const { definition, signals } = blockingFunction()
  const served = await testBed.serve(definition, { drainTimeoutMs: 20 })
  const running = served.ask(skillRequestEvent('hello'))
  running.catch(() => undefined)
  await vi.waitFor(() => expect(signals).toHaveLength(1))
  await served.drain()
  expect(signals[0]!.aborted).toBe(true)
  await expect(running).rejects.toThrow()
})

async function startProcess(
  handler: string,
): Promise<{ url: string; child: ChildProcess; errors: () => string }> {
  await writeFile(join(folder, 'handler.ts'), handler)
  const port = await freePort()
  child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, folder], {
    env: { ...process.env, PORT: String(port), LARES_HOME: folder, LARES_LOG_LEVEL: 'error' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const parts: Buffer[] = []
  child.stderr!.on('data', part => parts.push(part))
  return { url: `http://127.0.0.1:${port}`, child, errors: () => Buffer.concat(parts).toString() }
}

/** Creates a file when it begins its work, and works until another file exists. */
const WAITING_HANDLER = (folder: string) => `
  import { existsSync, writeFileSync } from 'node:fs'
  import { setTimeout } from 'node:timers/promises'
  export default {
    name: 'parrot',
    async handleMessage() {
      writeFileSync('${folder}/working', '')
      while (!existsSync('${folder}/enough')) await setTimeout(5)
      return 'done'
    },
    destroy: () => writeFileSync('${folder}/destroyed', ''),
  }`

test('a function as a process finishes its work at SIGTERM, takes nothing new, and exits with 0', async () => {
  const { url, child } = await startProcess(WAITING_HANDLER(folder))
  const post = () => {
    const { headers, body } = eventToHttp(skillRequestEvent('hello'))
    return request(url, { method: 'POST', headers, body })
  }
  const ready = async () => (await request(`${url}/_/ready`)).statusCode
  await vi.waitFor(async () => expect(await ready()).toBe(200), { timeout: 10_000 })
  const exited = once(child, 'exit')
  const running = post()
  await vi.waitFor(() => access(join(folder, 'working')))
  child.kill('SIGTERM')
  await vi.waitFor(async () => expect(await ready()).toBe(503))
  expect(await readError(post())).toMatchObject({ status: 503, code: 'unavailable', retryAfter: '1' })
  await writeFile(join(folder, 'enough'), '')
  expect(await (await running).body.json()).toMatchObject({ text: 'done' })
  expect(await exited).toEqual([0, null])
  await access(join(folder, 'destroyed'))
})

test('a function that cannot start says why in one line and exits with 1', async () => {
  const { child, errors } = await startProcess('export const nothing = 1')
  expect(await once(child, 'exit')).toEqual([1, null])
  expect(errors()).toMatch(/^lares: .*handler\.ts must default-export .*\n$/)
})
