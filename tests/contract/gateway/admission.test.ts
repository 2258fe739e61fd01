import { afterEach, describe, expect, it } from 'vitest'
import { LaresError } from '../../../shared/base/errors.ts'
import { listRows, openSocket, sendMessage, sendRequest } from './client.ts'
import {
  ALICE_TOKEN,
  openTestGateway,
  type Responder,
  silence,
  type TestGateway,
} from './gateway-instance.ts'

let gateway: TestGateway
afterEach(() => gateway.close())

const post = (
  text: string,
  more: Parameters<typeof sendRequest>[2] & { conversation?: string; key?: string } = {},
) =>
  sendRequest(gateway, '/api/messages', {
    json: { text, conversation: more.conversation },
    ...(more.key !== undefined && { headers: { 'idempotency-key': more.key } }),
    ...(more.token !== undefined && { token: more.token }),
  })

async function refusalOf(response: Response) {
  const { error } = (await response.json()) as { error: { code: string; message: string } }
  return { ...error, status: response.status, retryAfter: Number(response.headers.get('retry-after')) }
}

/** An assistant that answers when it is let go. */
function openHeldResponder() {
  const held: (() => void)[] = []
  const responder: Responder = async ({ reply }) => {
    await new Promise<void>(resolve => held.push(resolve))
    await reply('done')
  }
  return { responder, releaseOne: () => held.shift()?.() }
}

describe('a conversation in which too much waits', () => {
  it('is refused more with the reason and the time to come again, and others go on', async () => {
    const { responder, releaseOne } = openHeldResponder()
    gateway = await openTestGateway({ responder, maxWaiting: { conversation: 3 } })
    for (const text of ['a', 'b', 'c']) await sendMessage(gateway, text, { conversation: 'full' })
    const refusal = await refusalOf(await post('d', { conversation: 'full' }))
    expect(refusal).toMatchObject({ status: 429, code: 'busy' })
    expect(refusal.message).toContain('this conversation has 3 messages without a reply')
    expect(refusal.retryAfter).toBeGreaterThanOrEqual(1)
    expect((await post('a', { conversation: 'empty' })).status).toBe(202)
    expect(await listRows(gateway, 'full')).toHaveLength(3)

    await expect.poll(releaseOne).toBeUndefined()
    await expect.poll(async () => (await post('d', { conversation: 'full', key: 'd' })).status).toBe(202)
  })

  it('is full also after a restart', async () => {
    gateway = await openTestGateway({ responder: silence, maxWaiting: { conversation: 2 } })
    for (const text of ['a', 'b']) await sendMessage(gateway, text, { conversation: 'full' })
    await gateway.restart()
    expect((await post('c', { conversation: 'full' })).status).toBe(429)
  })

  it('takes no more than its limit of many messages at once', async () => {
    gateway = await openTestGateway({ responder: silence, maxWaiting: { conversation: 5 } })
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, n) => post(`${n}`, { conversation: 'rush' })),
    )
    expect(all.filter(({ status }) => status === 202)).toHaveLength(5)
    expect(all.filter(({ status }) => status === 429)).toHaveLength(15)
    expect(await gateway.publishedMessages()).toHaveLength(5)
  })

  it('knows a message that it has taken already', async () => {
    gateway = await openTestGateway({ responder: silence, maxWaiting: { conversation: 1 } })
    const first = await sendMessage(gateway, 'a', { conversation: 'full', key: 'k' })
    expect(await sendMessage(gateway, 'a', { conversation: 'full', key: 'k' })).toEqual(first)
  })

  it('tells a socket when to come again', async () => {
    gateway = await openTestGateway({ responder: silence, maxWaiting: { conversation: 1 } })
    await sendMessage(gateway, 'a', { conversation: 'full' })
    const { frames, send, socket } = await openSocket(gateway)
    send({ type: 'message', text: 'b', conversation: 'full', key: 'k' })
    await expect.poll(() => frames).toHaveLength(1)
    expect(frames[0]).toMatchObject({
      type: 'error',
      code: 'busy',
      key: 'k',
      retryAfterMs: expect.any(Number),
    })
    socket.terminate()
  })

  it('tells clients of the OpenAI API in their way', async () => {
    gateway = await openTestGateway({ responder: silence, maxWaiting: { all: 1 } })
    await sendMessage(gateway, 'a')
    const response = await sendRequest(gateway, '/v1/chat/completions', {
      json: { messages: [{ role: 'user', content: 'b' }], stream: true },
    })
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await response.json()).toMatchObject({ error: { code: 'busy' } })
  })
})

describe('a person of whom too much waits', () => {
  it('is refused more in any conversation, and nobody else', async () => {
    gateway = await openTestGateway({ responder: silence, maxWaiting: { person: 2 } })
    await sendMessage(gateway, 'a')
    await sendMessage(gateway, 'b')
    await expect.poll(async () => (await post('c')).status).toBe(429)
    expect((await refusalOf(await post('c'))).message).toContain('you have')
    expect((await post('a', { token: ALICE_TOKEN })).status).toBe(202)
  })
})

describe('a bus that is known to be down', () => {
  it('refuses at once, and takes messages again by itself when it is back', async () => {
    let isDown = true
    let tries = 0
    const down = new LaresError('unavailable', 'the bus is away')
    gateway = await openTestGateway({ responder: silence })
    const { bus } = gateway
    const publish = bus.publish
    const check = bus.check
    bus.publish = async messages => {
      tries += 1
      if (isDown) throw down
      return await publish(messages)
    }
    bus.check = async () => (isDown ? Promise.reject(down) : await check())
    for (const text of ['a', 'b', 'c'])
      expect(await refusalOf(await post(text, { conversation: 'later' }))).toMatchObject({
        status: 503,
        code: 'unavailable',
        message: 'the bus is away',
        retryAfter: expect.any(Number),
      })
    expect(tries).toBe(1)
    expect((await sendRequest(gateway, '/api/conversations/later/messages')).status).toBe(404)
    isDown = false
    await expect
      .poll(async () => (await post('a', { conversation: 'later', key: 'a' })).status, { timeout: 5_000 })
      .toBe(202)
    expect(tries).toBe(2)
  })
})
