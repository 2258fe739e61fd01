import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSocket, sendMessage, sendRequest } from './client.ts'
import {
  ALICE_TOKEN,
  ALLOWED_ORIGIN,
  OWNER_TOKEN,
  openTestGateway,
  type TestGateway,
} from './gateway-instance.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await openTestGateway({ maxBodyBytes: 4096 })
})
afterAll(() => gateway.close())

describe('a WebSocket', () => {
  it('takes messages and shows what becomes of them', async () => {
    const { socket, frames, send } = await openSocket(gateway)
    send({ type: 'message', text: 'hello', key: 'ws-1' })
    await expect.poll(() => frames).toContainEqual(expect.objectContaining({ type: 'accepted', key: 'ws-1' }))
    const { id, conversation } = frames[0]
    send({ type: 'subscribe', conversation, after: 0 })
    await expect
      .poll(() => frames.filter(({ type }) => type === 'message'))
      .toContainEqual({
        type: 'message',
        conversation,
        sequence: expect.any(Number),
        message: expect.objectContaining({ role: 'assistant', text: 'You said: hello', inReplyTo: id }),
      })
    socket.close()
  })

  it('shows stages and text of what is subscribed to, until it no longer is', async () => {
    await sendMessage(gateway, 'before', { conversation: 'watched' })
    const { socket, frames, send } = await openSocket(gateway)
    send({ type: 'subscribe', conversation: 'watched' })
    await expect.poll(() => frames).toContainEqual(expect.objectContaining({ type: 'subscribed' }))
    const { id } = await sendMessage(gateway, 'hi', { conversation: 'watched' })
    await expect
      .poll(() => frames)
      .toContainEqual({ type: 'stream', conversation: 'watched', message: id, offset: 0, text: 'You s' })
    await expect.poll(() => frames.filter(({ message }) => message?.text === 'You said: hi')).toHaveLength(1)
    send({ type: 'unsubscribe', conversation: 'watched' })
    send({ type: 'message', text: 'unseen', conversation: 'watched' })
    send({ type: 'message', text: 'a second', conversation: 'other' })
    await expect.poll(() => frames.filter(({ type }) => type === 'accepted')).toHaveLength(2)
    expect(frames.filter(({ message }) => message?.text === 'unseen')).toEqual([])
    socket.close()
  })

  it('answers bad frames with an error and goes on', async () => {
    const { socket, frames, send } = await openSocket(gateway)
    const bad = ['{', 'null', { type: 'dance' }, { type: 'message' }, { type: 'message', text: 7 }]
    for (const frame of bad) send(frame)
    send({ type: 'subscribe', conversation: 'nobody' })
    send({ type: 'message', text: 'still here' })
    await expect.poll(() => frames).toHaveLength(7)
    expect(frames.slice(0, 5)).toEqual(
      bad.map(() => ({ type: 'error', code: 'invalid_request', message: expect.any(String) })),
    )
    expect(frames[5]).toMatchObject({ type: 'error', code: 'not_found', conversation: 'nobody' })
    expect(frames[6]).toMatchObject({ type: 'accepted' })
    socket.close()
  })

  it('answers many frames in their order', async () => {
    const { socket, frames, send } = await openSocket(gateway)
    const keys = Array.from({ length: 100 }, (_, index) => `many-${index}`)
    for (const key of keys) send({ type: 'message', text: key, conversation: 'many', key })
    await expect.poll(() => frames.map(({ key }) => key), { timeout: 10_000 }).toEqual(keys)
    socket.close()
  })

  it('is closed for a frame that is too large', async () => {
    const { socket, send } = await openSocket(gateway)
    const code = new Promise(resolve => socket.on('close', resolve))
    send({ type: 'message', text: 'x'.repeat(5000) })
    expect(await code).toBe(1009)
  })

  it('is refused without the right token', async () => {
    await expect(openSocket(gateway, { protocols: [] })).rejects.toThrow('401')
    await expect(openSocket(gateway, { protocols: ['bearer.wrong'] })).rejects.toThrow('401')
  })

  it('is refused to pages of other origins, and open to ours and the allowed ones', async () => {
    const from = (origin: string) => openSocket(gateway, { headers: { origin } })
    await expect(from('https://evil.example')).rejects.toThrow('403')
    await expect(from('null')).rejects.toThrow('403')
    for (const origin of [gateway.url, ALLOWED_ORIGIN]) (await from(origin)).socket.close()
  })

  it('with a cookie is refused to other origins too', async () => {
    const response = await sendRequest(gateway, `/?token=${OWNER_TOKEN}`, { redirect: 'manual' })
    const cookie = response.headers.get('set-cookie')!.split(';')[0]!
    const by = (origin: string) => openSocket(gateway, { protocols: [], headers: { cookie, origin } })
    await expect(by('https://evil.example')).rejects.toThrow('403')
    ;(await by(gateway.url)).socket.close()
  })

  it('takes the token by header, and never names it again when another protocol is offered', async () => {
    const byHeader = await openSocket(gateway, {
      protocols: [],
      headers: { authorization: `Bearer ${ALICE_TOKEN}` },
    })
    byHeader.socket.close()
    const offered = await openSocket(gateway, { protocols: ['lares', `bearer.${OWNER_TOKEN}`] })
    expect(offered.socket.protocol).toBe('lares')
    offered.socket.close()
  })

  it('is told to come back when the gateway stops', async () => {
    const other = await openTestGateway()
    const { socket } = await openSocket(other)
    const code = new Promise(resolve => socket.on('close', resolve))
    await other.close()
    expect([1001, 1005, 1006]).toContain(await code)
  })
})
