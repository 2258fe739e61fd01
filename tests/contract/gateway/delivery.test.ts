import { afterEach, beforeEach, expect, it } from 'vitest'
import type { GatewayConfig } from '../../../shared/config/files.ts'
import { type Receiver, SECRET, startReceiver } from '../../support/webhook-receiver.ts'
import { ask, say } from './client.ts'
import { ALICE, type House, openHouse } from './gateway-instance.ts'

let receiver: Receiver
let house: House | undefined
beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(async () => {
  await house?.close()
  house = undefined
  await receiver.close()
})

type Channel = GatewayConfig['deliveries'][number]

const channel = (more: Partial<Channel> = {}): Channel => ({
  name: 'home',
  url: receiver.url,
  secret: SECRET,
  giveUpAfterMinutes: 60,
  ...more,
})

const open = async (deliveries: Channel[]): Promise<House> => {
  house = await openHouse({ deliveries })
  // A channel that is new begins where the log ends, once it has looked.
  const { bus } = house
  for (const { name } of deliveries)
    await expect
      .poll(async () => (await bus.lag(`lares.delivery.${name}`, ['lares.reply'])).map(lag => lag.committed))
      .not.toContain(null)
  return house
}

const texts = () => receiver.asked.map(({ text }) => text)

it('a reply is pushed once, signed, under an id that tells a duplicate', async () => {
  const house = await open([channel()])
  const { id, conversation } = await say(house, 'hello')
  await expect.poll(() => receiver.asked).toHaveLength(1)
  expect(receiver.asked[0]).toMatchObject({
    conversation,
    inReplyTo: id,
    answers: [id],
    person: 'owner',
    text: 'You said: hello',
    status: 'completed',
  })
  await house.restart()
  await say(house, 'again', { conversation })
  await expect.poll(texts).toEqual(['You said: hello', 'You said: again'])
})

it('a channel that is down gets everything when it is back, each conversation in its order', async () => {
  const house = await open([channel()])
  let isDown = true
  receiver.answer(() => (isDown ? 503 : 204))
  for (const n of [1, 2, 3])
    for (const conversation of ['a', 'b']) await say(house, `${conversation}${n}`, { conversation })
  await expect.poll(() => receiver.asked.length).toBeGreaterThan(2)
  isDown = false
  receiver.asked.splice(0)
  await expect.poll(() => new Set(receiver.asked.map(({ id }) => id)).size, { timeout: 8_000 }).toBe(6)
  for (const conversation of ['a', 'b'])
    expect(receiver.asked.filter(one => one.conversation === conversation).map(({ text }) => text)).toEqual(
      [1, 2, 3].map(n => `You said: ${conversation}${n}`),
    )
})

it('a conversation whose reply is not taken holds up no other', async () => {
  const house = await open([channel()])
  receiver.answer(({ conversation }) => (conversation === 'stuck' ? 500 : 204))
  await say(house, 'one', { conversation: 'stuck' })
  await expect.poll(texts).toContain('You said: one')
  await say(house, 'two', { conversation: 'free' })
  await expect.poll(texts).toContain('You said: two')
})

it('a refusal is final, recorded, and shown to the owner; what comes after it goes on', async () => {
  const house = await open([channel()])
  receiver.answer(({ text }) => (text.includes('bad') ? 410 : 204))
  const { id } = await say(house, 'bad', { conversation: 'c' })
  await say(house, 'good', { conversation: 'c' })
  await expect.poll(texts).toEqual(['You said: bad', 'You said: good'])
  const seen = async () => (await (await ask(house, '/api/deliveries')).json()) as { undelivered: object[] }
  await expect.poll(async () => (await seen()).undelivered).toHaveLength(1)
  expect(await seen()).toMatchObject({
    channels: [{ name: 'home', waiting: expect.any(Number) }],
    undelivered: [
      { channel: 'home', conversation: 'c', person: 'owner', reason: 'it answered 410', tries: 1 },
    ],
  })
  expect(receiver.asked.filter(({ inReplyTo }) => inReplyTo === id)).toHaveLength(1)
  expect((await ask(house, '/api/deliveries', { token: ALICE })).status).toBe(403)
})

it('a reply that is not taken within its limit is recorded as undelivered', async () => {
  const house = await open([channel({ giveUpAfterMinutes: 0.001 })])
  receiver.answer(() => 503)
  await say(house, 'late', { conversation: 'c' })
  const seen = async () => (await (await ask(house, '/api/deliveries')).json()) as { undelivered: object[] }
  await expect
    .poll(seen, { timeout: 8_000 })
    .toMatchObject({ undelivered: [{ reason: 'it answered 503', tries: 3 }] })
})

it('what was given up is sent once more when the owner says so, as it was, and then no longer shown', async () => {
  const house = await open([channel()])
  receiver.answer(({ text }) => (text.includes('bad') ? 410 : 204))
  await say(house, 'bad', { conversation: 'c' })
  await say(house, 'good', { conversation: 'c' })
  type Seen = { undelivered: { id: string }[] }
  const seen = async () => ((await (await ask(house, '/api/deliveries')).json()) as Seen).undelivered
  await expect.poll(seen).toHaveLength(1)
  const [{ id }] = (await seen()) as [{ id: string }]
  const retry = (path = `home/${id}`, token?: string) =>
    ask(house, `/api/deliveries/${path}/retry`, { method: 'POST', ...(token !== undefined && { token }) })

  const refused = await retry()
  expect([refused.status, await refused.json()]).toEqual([
    422,
    { error: { code: 'rejected', message: 'it answered 410' } },
  ])
  expect(await seen()).toHaveLength(1)

  await house.restart()
  receiver.asked.splice(0)
  receiver.answer(() => 204)
  expect((await retry('home/nothing')).status).toBe(404)
  expect((await retry(`elsewhere/${id}`)).status).toBe(404)
  expect((await retry(undefined, ALICE)).status).toBe(403)
  const taken = await retry()
  expect([taken.status, await taken.json()]).toMatchObject([200, { channel: 'home', id, conversation: 'c' }])
  expect(receiver.asked).toMatchObject([
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
  const house = await open([channel()])
  await say(house, 'another')
  await expect.poll(() => receiver.asked).toHaveLength(1)
  const what = { channel: 'home', id: 'r1', conversation: 'c', person: 'owner', reason: 'it answered 410' }
  const givenUpAt = '2026-05-01T12:00:00.000Z'
  await house.conversations.documents.put('undelivered', {
    id: 'home/r1',
    person: '',
    text: '',
    body: { ...what, tries: 1, givenUpAt, ...place },
    createdAt: givenUpAt,
  })
  const answer = await ask(house, '/api/deliveries/home/r1/retry', { method: 'POST' })
  expect([answer.status, await answer.text()]).toEqual([
    404,
    expect.stringContaining('no longer has this reply'),
  ])
  expect(receiver.asked).toHaveLength(1)
  expect(await (await ask(house, '/api/deliveries')).json()).toMatchObject({ undelivered: [what] })
})

it('a channel of one person gets nobody else’s replies', async () => {
  const house = await open([channel({ person: 'alice' })])
  await say(house, 'mine')
  await ask(house, '/api/messages', { json: { text: 'hers' }, token: ALICE })
  await expect.poll(texts).toEqual(['You said: hers'])
})

it('one channel that is down does not hold up another', async () => {
  const other = await startReceiver()
  try {
    const house = await open([channel(), channel({ name: 'other', url: other.url })])
    receiver.answer(() => 503)
    await say(house, 'hello')
    await expect.poll(() => other.asked).toHaveLength(1)
  } finally {
    await other.close()
  }
})

it('Retry-After is heeded', async () => {
  const house = await open([channel()])
  const times: number[] = []
  receiver.answer(() => {
    times.push(performance.now())
    return times.length === 1 ? [429, { 'retry-after': '2' }] : 204
  })
  await say(house, 'hello')
  await expect.poll(() => times, { timeout: 8_000 }).toHaveLength(2)
  expect(times[1]! - times[0]!).toBeGreaterThan(1_900)
})
