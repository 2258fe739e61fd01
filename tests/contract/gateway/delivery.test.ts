import { afterEach, beforeEach, expect, it } from 'vitest'
import type { GatewayConfig } from '../../../shared/config/files.ts'
import { SECRET, startWebhookReceiver, type WebhookReceiver } from '../../support/webhook-receiver.ts'
import { sendMessage, sendRequest } from './client.ts'
import { ALICE_TOKEN, openTestGateway, type TestGateway } from './gateway-instance.ts'

let receiver: WebhookReceiver
let gateway: TestGateway | undefined
beforeEach(async () => {
  receiver = await startWebhookReceiver()
})
afterEach(async () => {
  await gateway?.close()
  gateway = undefined
  await receiver.close()
})

type Channel = GatewayConfig['deliveries'][number]

const webhook = (more: Partial<Channel> = {}): Channel => ({
  name: 'home',
  url: receiver.url,
  secret: SECRET,
  giveUpAfterMinutes: 60,
  ...more,
})

const openGatewayWith = async (deliveries: Channel[]): Promise<TestGateway> => {
  gateway = await openTestGateway({ deliveries })
  // A channel that is new begins where the log ends, once it has looked.
  const { bus } = gateway
  for (const { name } of deliveries)
    await expect
      .poll(async () => (await bus.lag(`lares.delivery.${name}`, ['lares.reply'])).map(lag => lag.committed))
      .not.toContain(null)
  return gateway
}

const texts = () => receiver.deliveries.map(({ text }) => text)

it('a reply is pushed once, signed, under an id that tells a duplicate', async () => {
  const instance = await openGatewayWith([webhook()])
  const { id, conversation } = await sendMessage(instance, 'hello')
  await expect.poll(() => receiver.deliveries).toHaveLength(1)
  expect(receiver.deliveries[0]).toMatchObject({
    conversation,
    inReplyTo: id,
    answers: [id],
    person: 'owner',
    text: 'You said: hello',
    status: 'completed',
  })
  await instance.restart()
  await sendMessage(instance, 'again', { conversation })
  await expect.poll(texts).toEqual(['You said: hello', 'You said: again'])
})

it('a channel that is down gets everything when it is back, each conversation in its order', async () => {
  const instance = await openGatewayWith([webhook()])
  let isDown = true
  receiver.respondWith(() => (isDown ? 503 : 204))
  for (const n of [1, 2, 3])
    for (const conversation of ['a', 'b'])
      await sendMessage(instance, `${conversation}${n}`, { conversation })
  await expect.poll(() => receiver.deliveries.length).toBeGreaterThan(2)
  isDown = false
  receiver.deliveries.splice(0)
  await expect.poll(() => new Set(receiver.deliveries.map(({ id }) => id)).size, { timeout: 8_000 }).toBe(6)
  for (const conversation of ['a', 'b'])
    expect(
      receiver.deliveries.filter(one => one.conversation === conversation).map(({ text }) => text),
    ).toEqual([1, 2, 3].map(n => `You said: ${conversation}${n}`))
})

it('a conversation whose reply is not taken holds up no other', async () => {
  const instance = await openGatewayWith([webhook()])
  receiver.respondWith(({ conversation }) => (conversation === 'stuck' ? 500 : 204))
  await sendMessage(instance, 'one', { conversation: 'stuck' })
  await expect.poll(texts).toContain('You said: one')
  await sendMessage(instance, 'two', { conversation: 'free' })
  await expect.poll(texts).toContain('You said: two')
})

it('a refusal is final, recorded, and shown to the owner; what comes after it goes on', async () => {
  const instance = await openGatewayWith([webhook()])
  receiver.respondWith(({ text }) => (text.includes('bad') ? 410 : 204))
  const { id } = await sendMessage(instance, 'bad', { conversation: 'c' })
  await sendMessage(instance, 'good', { conversation: 'c' })
  await expect.poll(texts).toEqual(['You said: bad', 'You said: good'])
  const seen = async () =>
    (await (await sendRequest(instance, '/api/deliveries')).json()) as { undelivered: object[] }
  await expect.poll(async () => (await seen()).undelivered).toHaveLength(1)
  expect(await seen()).toMatchObject({
    channels: [{ name: 'home', waiting: expect.any(Number) }],
    undelivered: [
      { channel: 'home', conversation: 'c', person: 'owner', reason: 'it answered 410', tries: 1 },
    ],
  })
  expect(receiver.deliveries.filter(({ inReplyTo }) => inReplyTo === id)).toHaveLength(1)
  expect((await sendRequest(instance, '/api/deliveries', { token: ALICE_TOKEN })).status).toBe(403)
})

it('a reply that is not taken within its limit is recorded as undelivered', async () => {
  const instance = await openGatewayWith([webhook({ giveUpAfterMinutes: 0.001 })])
  receiver.respondWith(() => 503)
  await sendMessage(instance, 'late', { conversation: 'c' })
  const seen = async () =>
    (await (await sendRequest(instance, '/api/deliveries')).json()) as { undelivered: object[] }
  await expect
    .poll(seen, { timeout: 8_000 })
    .toMatchObject({ undelivered: [{ reason: 'it answered 503', tries: 3 }] })
})

it('what was given up is sent once more when the owner says so, as it was, and then no longer shown', async () => {
  const instance = await openGatewayWith([webhook()])
  receiver.respondWith(({ text }) => (text.includes('bad') ? 410 : 204))
  await sendMessage(instance, 'bad', { conversation: 'c' })
  await sendMessage(instance, 'good', { conversation: 'c' })
  type Seen = { undelivered: { id: string }[] }
  const seen = async () =>
    ((await (await sendRequest(instance, '/api/deliveries')).json()) as Seen).undelivered
  await expect.poll(seen).toHaveLength(1)
  const [{ id }] = (await seen()) as [{ id: string }]
  const retry = (path = `home/${id}`, token?: string) =>
    sendRequest(instance, `/api/deliveries/${path}/retry`, {
      method: 'POST',
      ...(token !== undefined && { token }),
    })

  const refused = await retry()
  expect([refused.status, await refused.json()]).toEqual([
    422,
    { error: { code: 'rejected', message: 'it answered 410' } },
  ])
  expect(await seen()).toHaveLength(1)

  await instance.restart()
  receiver.deliveries.splice(0)
  receiver.respondWith(() => 204)
  expect((await retry('home/nothing')).status).toBe(404)
  expect((await retry(`elsewhere/${id}`)).status).toBe(404)
  expect((await retry(undefined, ALICE_TOKEN)).status).toBe(403)
  const taken = await retry()
  expect([taken.status, await taken.json()]).toMatchObject([200, { channel: 'home', id, conversation: 'c' }])
  expect(receiver.deliveries).toMatchObject([
    { id, conversation: 'c', text: 'You said: bad', status: 'completed' },
  ])
  expect(await seen()).toEqual([])
  expect((await retry()).status).toBe(404)
})

it.each([
  ['was given up before its place was kept', {}],
  ['has left the log', { partition: 0, offset: 4_711 }],
  ['is not what lies at its place', { partition: 0, offset: 0 }],
])('a reply that %s is not sent, and stays listed', async (_, place) => {
  const instance = await openGatewayWith([webhook()])
  await sendMessage(instance, 'another')
  await expect.poll(() => receiver.deliveries).toHaveLength(1)
  const what = { channel: 'home', id: 'r1', conversation: 'c', person: 'owner', reason: 'it answered 410' }
  const givenUpAt = '2026-05-01T12:00:00.000Z'
  await instance.conversations.records.put('undelivered', {
    id: 'home/r1',
    person: '',
    text: '',
    body: { ...what, tries: 1, givenUpAt, ...place },
    createdAt: givenUpAt,
  })
  const answer = await sendRequest(instance, '/api/deliveries/home/r1/retry', { method: 'POST' })
  expect([answer.status, await answer.text()]).toEqual([
    404,
    expect.stringContaining('no longer has this reply'),
  ])
  expect(receiver.deliveries).toHaveLength(1)
  expect(await (await sendRequest(instance, '/api/deliveries')).json()).toMatchObject({ undelivered: [what] })
})

it('a channel of one person gets nobody else’s replies', async () => {
  const instance = await openGatewayWith([webhook({ person: 'alice' })])
  await sendMessage(instance, 'mine')
  await sendRequest(instance, '/api/messages', { json: { text: 'hers' }, token: ALICE_TOKEN })
  await expect.poll(texts).toEqual(['You said: hers'])
})

it('one channel that is down does not hold up another', async () => {
  const other = await startWebhookReceiver()
  try {
    const instance = await openGatewayWith([webhook(), webhook({ name: 'other', url: other.url })])
    receiver.respondWith(() => 503)
    await sendMessage(instance, 'hello')
    await expect.poll(() => other.deliveries).toHaveLength(1)
  } finally {
    await other.close()
  }
})

it('Retry-After is heeded', async () => {
  const instance = await openGatewayWith([webhook()])
  const times: number[] = []
  receiver.respondWith(() => {
    times.push(performance.now())
    return times.length === 1 ? [429, { 'retry-after': '2' }] : 204
  })
  await sendMessage(instance, 'hello')
  await expect.poll(() => times, { timeout: 8_000 }).toHaveLength(2)
  expect(times[1]! - times[0]!).toBeGreaterThan(1_900)
})
