import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateMessages, inject } from '../../../infra/cli/inject/injection.ts'
import { type Broker, startBroker } from '../../../infra/kafka/broker.ts'
import { freePort } from '../../../shared/base/free-port.ts'
import { type ProcessCluster, startProcessCluster } from '../../faults/process-cluster.ts'
import { TOKEN } from '../../support/instance.ts'
import { type ModelServer, startModelServer } from '../../support/model-server.ts'
import { until } from '../../support/until.ts'

const WAIT_TIMEOUT_MS = 60_000

let dir: string
let port: number
let broker: Broker
let model: ModelServer
let cluster: ProcessCluster

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lares-kafka-'))
  port = await freePort()
  broker = await startBroker({ dir, port })
  model = await startModelServer()
  cluster = await startProcessCluster({
    brokers: broker.brokers,
    modelUrl: model.url,
    connectors: 2,
    functions: ['intent', 'memory', 'dialog', 'generation'],
  })
}, 300_000)
afterAll(async () => {
  await cluster.stop()
  await broker.stop()
  await model.close()
  await rm(dir, { recursive: true, force: true })
}, 120_000)

const requestGateway = (gateway: number, path: string, init: RequestInit = {}) =>
  fetch(`${cluster.urls[gateway]}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...init.headers },
  })

async function sendMessage(
  gateway: number,
  text: string,
  { conversation, key }: { conversation: string; key?: string },
) {
  const response = await requestGateway(gateway, '/api/messages', {
    method: 'POST',
    body: JSON.stringify({ conversation, text }),
    ...(key !== undefined && { headers: { 'idempotency-key': key } }),
  })
  return { status: response.status, ...((await response.json()) as { id: string; conversation: string }) }
}

type MessageRow = { id: string; role: string; text: string; inReplyTo: string | null }

const listMessages = async (gateway: number, conversation: string): Promise<MessageRow[]> => {
  const response = await requestGateway(gateway, `/api/conversations/${conversation}/messages?limit=200`)
  return response.ok ? ((await response.json()) as { messages: MessageRow[] }).messages : []
}

const repliesIn = async (gateway: number, conversation: string) =>
  (await listMessages(gateway, conversation)).filter(({ role }) => role === 'assistant')

describe('two gateways on one store and one Kafka', () => {
  test('the same message at either, at once and again after a restart, is one message', async () => {
    const conversation = 'twice'
    const send = (gateway: number) => sendMessage(gateway, 'once', { conversation, key: 'k-1' })
    const first = await Promise.all([0, 1, 0, 1, 0, 1].map(send))
    expect(new Set(first.map(({ status }) => status))).toEqual(new Set([202]))
    expect(new Set(first.map(({ id }) => id)).size).toBe(1)
    await until(async () => (await repliesIn(0, conversation)).length > 0, WAIT_TIMEOUT_MS)
    await Promise.all([
      cluster.process('gateway').restart('SIGKILL'),
      cluster.process('gateway-2').restart('SIGTERM'),
    ])
    const again = await Promise.all([0, 1].map(send))
    expect(again.map(({ id }) => id)).toEqual([first[0]!.id, first[0]!.id])
    // A second answer would come before this one.
    await sendMessage(1, 'last', { conversation })
    await until(
      async () => (await repliesIn(1, conversation)).some(({ text }) => text === 'echo: last'),
      WAIT_TIMEOUT_MS,
    )
    expect((await listMessages(1, conversation)).map(({ text }) => text)).toEqual([
      'once',
      'echo: once',
      'last',
      'echo: last',
    ])
  })

  test('one text under a key at one gateway, and another text at the other, are not both taken', async () => {
    const answers = await Promise.all(
      [0, 1].map(gateway =>
        sendMessage(gateway, `text of ${gateway}`, { conversation: 'reused', key: 'k-2' }),
      ),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 422])
  })

  test('a reply reaches the person at whichever gateway the connection is', async () => {
    await sendMessage(0, 'first', { conversation: 'elsewhere' })
    await until(async () => (await repliesIn(0, 'elsewhere')).length === 1, WAIT_TIMEOUT_MS)
    const stop = new AbortController()
    const events = await requestGateway(1, '/api/conversations/elsewhere/events', { signal: stop.signal })
    let heard = ''
    const listening = (async () => {
      for await (const bytes of events.body!.pipeThrough(new TextDecoderStream())) heard += bytes
    })().catch(() => undefined)
    await sendMessage(0, 'second', { conversation: 'elsewhere' })
    await until(
      () => heard.includes('"text":"echo: second"') && heard.includes('event: stream'),
      WAIT_TIMEOUT_MS,
    )
    stop.abort()
    await listening
  })
})

describe('a broker that is gone', () => {
  test('nothing is acknowledged, readiness says why, and all goes on when it is back', async () => {
    await sendMessage(0, 'before', { conversation: 'outage' })
    await broker.kill()
    const readiness = await until(async () => {
      const response = await requestGateway(0, '/readyz')
      return response.status === 503 ? await response.text() : undefined
    }, WAIT_TIMEOUT_MS)
    expect(JSON.parse(readiness)).toMatchObject({
      ready: false,
      parts: { bus: { ok: false, problem: expect.any(String) } },
    })
    const startedAt = performance.now()
    const refused = await sendMessage(0, 'during', { conversation: 'outage', key: 'k-3' })
    expect(refused.status).toBe(503)
    expect(performance.now() - startedAt).toBeLessThan(16_000)
    const againAt = performance.now()
    const again = await requestGateway(0, '/api/messages', {
      method: 'POST',
      body: '{"conversation":"outage","text":"x"}',
    })
    expect(again.status).toBe(503)
    expect(Number(again.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(performance.now() - againAt).toBeLessThan(2_000)
    broker = await startBroker({ dir, port })
    await until(
      async () => (await sendMessage(0, 'during', { conversation: 'outage', key: 'k-3' })).status === 202,
      WAIT_TIMEOUT_MS,
    )
    await until(
      async () => (await repliesIn(1, 'outage')).some(({ text }) => text === 'echo: during'),
      WAIT_TIMEOUT_MS,
    )
    const texts = (await repliesIn(1, 'outage')).map(({ text }) => text)
    expect(texts.filter(text => text === 'echo: during')).toHaveLength(1)
    expect(texts).toContain('echo: before')
  })
})

describe('two connectors', () => {
  test('share the work, and each goes on with what the other leaves', async () => {
    let answered = 0
    const injecting = inject({
      url: cluster.urls[0]!,
      token: TOKEN,
      messages: generateMessages({
        conversations: 30,
        messages: 4,
        text: 'message {message} of {conversation}',
      }),
      ratePerSecond: 12,
      timeoutMs: 120_000,
      onProgress(progress) {
        answered = progress.answered
      },
    })
    for (const [name, after] of Object.entries({ connector: 20, 'connector-2': 60 })) {
      await until(() => answered >= after, WAIT_TIMEOUT_MS)
      await cluster.process(name).restart('SIGKILL')
    }
    const report = await injecting
    expect(report).toMatchObject({
      acknowledged: 120,
      replied: 120,
      missing: [],
      duplicates: [],
      outOfOrder: [],
    })
  })
})
