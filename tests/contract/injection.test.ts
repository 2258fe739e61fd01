import { afterEach, expect, test, vi } from 'vitest'
import { type InjectedMessage, type InjectOptions, inject } from '../../infra/cli/inject/injection.ts'
import {
  echo,
  OWNER_TOKEN,
  openTestGateway,
  type Responder,
  type TestGateway,
  type TestGatewayOptions,
} from './gateway/gateway-instance.ts'

let gateway: TestGateway | undefined

afterEach(async () => {
  await gateway?.close()
  gateway = undefined
})

async function run(
  messages: InjectOptions['messages'],
  { responder, ...options }: TestGatewayOptions & Partial<InjectOptions> = {},
) {
  gateway ??= await openTestGateway(responder ? { responder } : {})
  return await inject({
    url: gateway.url,
    token: OWNER_TOKEN,
    messages,
    timeoutMs: 10_000,
    settleMs: 50,
    ...options,
  })
}

function* messagesFor(conversations: number, messages: number): Generator<InjectedMessage> {
  for (let message = 0; message < messages; message++)
    for (let conversation = 0; conversation < conversations; conversation++)
      yield { conversation: `room-${conversation}`, text: `message ${message}` }
}

test('all that is answered in order is well, and its latencies are told', async () => {
  const report = await run(messagesFor(30, 5))
  expect(report).toMatchObject({
    conversations: 30,
    sent: 150,
    acknowledged: 150,
    replied: 150,
    failed: 0,
    missing: [],
    duplicates: [],
    outOfOrder: [],
    ok: true,
  })
  expect(report.latencyMs!.p50).toBeGreaterThan(0)
  expect(report.latencyMs!.max).toBeLessThan(report.durationMs)
})

test('more conversations than one connection may follow are followed', async () => {
  const report = await run(messagesFor(230, 1))
  expect(report).toMatchObject({ replied: 230, ok: true })
})

const forgetful: Responder = async turn => {
  if (turn.message.data.text === 'message 1') return
  if (turn.message.data.text === 'message 2') await turn.reply('I could not', 'failed')
  else await echo(turn)
}

test('what is not answered is missing and what failed is told apart', async () => {
  const report = await run(messagesFor(2, 4), { responder: forgetful, timeoutMs: 500 })
  expect(report).toMatchObject({ acknowledged: 8, replied: 4, failed: 2, ok: false })
  expect(report.missing.map(({ conversation }) => conversation).sort()).toEqual(['room-0', 'room-1'])
})

test('a gateway that restarts meanwhile costs tries, and no message', async () => {
  gateway = await openTestGateway()
  let acknowledged = 0
  const running = run(messagesFor(20, 10), {
    ratePerSecond: 200,
    onProgress: progress => {
      acknowledged = progress.acknowledged
    },
  })
  await vi.waitUntil(() => acknowledged >= 50, { timeout: 10_000 })
  await gateway.restart()
  expect(await running).toMatchObject({ acknowledged: 200, replied: 200, ok: true })
})

test('a message sent twice under one key is one message', async () => {
  const twice = [1, 2].map(() => ({ conversation: 'room', text: 'hello', key: 'once' }))
  expect(await run(twice)).toMatchObject({ acknowledged: 1, replied: 1, duplicates: [], ok: true })
  expect(await gateway!.publishedMessages()).toHaveLength(1)
})

test('a message that the gateway refuses is told with the reason', async () => {
  const report = await run([
    { conversation: 'no such name!', text: 'hello' },
    { conversation: 'room', text: 'hello' },
  ])
  expect(report).toMatchObject({ sent: 2, refused: 1, acknowledged: 1, replied: 1, ok: false })
  expect(Object.keys(report.reasons)).toEqual([expect.stringContaining('conversation: 1 to 128 letters')])
})

test('a wrong token ends it at once', async () => {
  await expect(run(messagesFor(10, 10), { token: 'not-the-token-of-anyone' })).rejects.toMatchObject({
    code: 'unauthorized',
    message: expect.stringContaining('LARES_TOKEN'),
  })
})

test('a message goes at its time', async () => {
  const startedAt = performance.now()
  await run([
    { conversation: 'a', text: 'now' },
    { conversation: 'b', text: 'later', atMs: 600 },
  ])
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(600)
  const times = (await gateway!.publishedMessages()).map(({ time }) => Date.parse(time))
  expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(500)
})
