import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LaresError } from '../../../shared/base/errors.ts'
import { personFolder } from '../../../shared/objects/person-folder.ts'
import { listRows, sendMessage, sendRequest } from './client.ts'
import { ALICE_TOKEN, OWNER_TOKEN, openTestGateway, type TestGateway } from './gateway-instance.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await openTestGateway()
})
afterAll(() => gateway.close())

describe('messages', () => {
  it('are acknowledged when they are on the bus, and answered in the history', async () => {
    const { id, conversation } = await sendMessage(gateway, 'hello')
    expect((await gateway.publishedMessages()).map(event => event.id)).toContain(id)
    await expect
      .poll(() => listRows(gateway, conversation))
      .toMatchObject([
        { id, role: 'user', text: 'hello', inReplyTo: null, status: 'answered' },
        { role: 'assistant', text: 'You said: hello', inReplyTo: id, status: 'completed' },
      ])
  })

  it('carry who said what, where, when and in which language', async () => {
    const before = Date.now()
    const { id, conversation } = await sendMessage(gateway, '你好吗', { conversation: 'a:b.c_d-1' })
    const event = (await gateway.publishedMessages()).find(one => one.id === id)!
    expect(event).toMatchObject({
      source: '/lares/gateway',
      subject: conversation,
      correlationid: id,
      data: {
        person: 'owner',
        text: '你好吗',
        language: 'zh',
        attachments: [],
        address: { channel: 'web', account: 'default', chat: 'a:b.c_d-1' },
        sender: { identity: { channel: 'web', account: 'default', user: 'owner' }, person: 'owner' },
        principal: { kind: 'person', id: 'owner' },
      },
    })
    expect(Date.parse(event.time)).toBeGreaterThanOrEqual(before)
  })

  it('carry the time zone of their sender', async () => {
    const response = await sendRequest(gateway, '/api/messages', {
      json: { text: 'when' },
      headers: { 'x-lares-time-zone': 'Asia/Shanghai' },
    })
    const { id } = (await response.json()) as { id: string }
    const event = (await gateway.publishedMessages()).find(one => one.id === id)!
    expect(event.data.timeZone).toBe('Asia/Shanghai')
  })

  it('bring attachments, which are kept outside of the event', async () => {
    const data = Buffer.from('the bytes').toString('base64')
    const response = await sendRequest(gateway, '/api/messages', {
      json: { text: '', attachments: [{ name: 'note.txt', mediaType: 'text/plain', data }] },
    })
    const { id, conversation } = (await response.json()) as { id: string; conversation: string }
    const history = await sendRequest(gateway, `/api/conversations/${conversation}/messages`)
    expect(await history.json()).toMatchObject({
      messages: [{ id, attachments: [{ name: 'note.txt', mediaType: 'text/plain', bytes: 9 }] }],
    })
    const event = (await gateway.publishedMessages()).find(one => one.id === id)!
    expect(event.data.attachments).toEqual([
      {
        name: 'note.txt',
        mediaType: 'text/plain',
        object: `${personFolder('owner')}attachments/${id}/0`,
        bytes: 9,
      },
    ])
  })

  it('sent again under their key are one message, also after a restart', async () => {
    const first = await sendMessage(gateway, 'once', { key: 'k-1' })
    const again = await sendMessage(gateway, 'once', { key: 'k-1' })
    await gateway.restart()
    const afterRestart = await sendMessage(gateway, 'once', { key: 'k-1' })
    expect([again, afterRestart]).toEqual([first, first])
    expect((await gateway.publishedMessages()).filter(({ id }) => id === first.id)).toHaveLength(1)
  })

  it('sent at once under one key are one message', async () => {
    const all = await Promise.all(
      Array.from({ length: 10 }, () =>
        sendMessage(gateway, 'together', { key: 'k-2', conversation: 'together' }),
      ),
    )
    expect(new Set(all.map(({ id }) => id)).size).toBe(1)
    await expect.poll(() => listRows(gateway, 'together')).toHaveLength(2)
  })

  it('refuse another text under a used key', async () => {
    await sendMessage(gateway, 'this', { key: 'k-3' })
    const response = await sendRequest(gateway, '/api/messages', {
      json: { text: 'that' },
      headers: { 'idempotency-key': 'k-3' },
    })
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ error: { code: 'key_reused' } })
  })

  it('under the same key of another person are another message', async () => {
    const mine = await sendMessage(gateway, 'mine', { key: 'k-4' })
    const response = await sendRequest(gateway, '/api/messages', {
      json: { text: 'hers' },
      token: ALICE_TOKEN,
      headers: { 'idempotency-key': 'k-4' },
    })
    expect(response.status).toBe(202)
    expect(((await response.json()) as { id: string }).id).not.toBe(mine.id)
  })
})

describe('conversations', () => {
  it('are listed for their person only, with what was said last', async () => {
    const { conversation } = await sendMessage(gateway, 'a secret')
    const list = async (token: string) =>
      (
        (await (await sendRequest(gateway, '/api/conversations', { token })).json()) as {
          conversations: { id: string }[]
        }
      ).conversations
    await expect
      .poll(async () => (await list(OWNER_TOKEN)).find(({ id }) => id === conversation))
      .toMatchObject({ preview: 'You said: a secret' })
    expect((await list(ALICE_TOKEN)).map(({ id }) => id)).not.toContain(conversation)
  })

  it('are paged backwards, oldest first', async () => {
    const { conversation } = await sendMessage(gateway, 'one')
    await expect.poll(() => listRows(gateway, conversation)).toHaveLength(2)
    await sendMessage(gateway, 'two', { conversation })
    await expect.poll(() => listRows(gateway, conversation)).toHaveLength(4)
    const last = await listRows(gateway, conversation, 'limit=2')
    expect(last.map(({ text }) => text)).toEqual(['two', 'You said: two'])
    const before = await listRows(gateway, conversation, `limit=2&before=${last[0]!.id}`)
    expect(before.map(({ text }) => text)).toEqual(['one', 'You said: one'])
  })

  it('of another person are not there, to read and to write', async () => {
    const { conversation } = await sendMessage(gateway, 'mine')
    const asAlice = { token: ALICE_TOKEN }
    for (const path of [
      `/api/conversations/${conversation}/messages`,
      `/api/conversations/${conversation}/events`,
    ])
      expect((await sendRequest(gateway, path, asAlice)).status).toBe(404)
    const written = await sendRequest(gateway, '/api/messages', {
      json: { text: 'me too', conversation },
      ...asAlice,
    })
    expect(written.status).toBe(404)
    expect(await listRows(gateway, conversation)).not.toContainEqual(
      expect.objectContaining({ text: 'me too' }),
    )
  })

  it('go to whoever opens them first, and nobody slips in while the first message is on its way', async () => {
    const statuses = await Promise.all(
      [OWNER_TOKEN, ALICE_TOKEN, OWNER_TOKEN, ALICE_TOKEN].map(
        async token =>
          (
            await sendRequest(gateway, '/api/messages', {
              json: { text: token, conversation: 'contested' },
              token,
            })
          ).status,
      ),
    )
    expect(statuses.filter(status => status === 202)).toHaveLength(2)
    const persons = (await gateway.publishedMessages())
      .filter(({ subject }) => subject === 'contested')
      .map(({ data }) => data.person)
    expect(new Set(persons).size).toBe(1)
  })
})

describe('refusals', () => {
  const refusals: [string, Parameters<typeof sendRequest>[2], number, string, RegExp?][] = [
    [
      'bad JSON',
      { method: 'POST', body: '{"text":', headers: { 'content-type': 'application/json' } },
      400,
      'invalid_request',
    ],
    [
      'an empty body',
      { method: 'POST', body: '', headers: { 'content-type': 'application/json' } },
      400,
      'invalid_request',
    ],
    [
      'no JSON at all',
      { method: 'POST', body: 'hi', headers: { 'content-type': 'text/csv' } },
      415,
      'unsupported_media_type',
    ],
    ['a text that is no string', { json: { text: 7 } }, 400, 'invalid_request', /text/],
    ['no text', { json: {} }, 400, 'invalid_request', /text/],
    ['an empty text', { json: { text: ' \n' } }, 400, 'invalid_request', /text/],
    ['unknown keys', { json: { text: 'a', colour: 'red' } }, 400, 'invalid_request', /colour/],
    [
      'a wrong conversation id',
      { json: { text: 'a', conversation: 'a/b' } },
      400,
      'invalid_request',
      /conversation/,
    ],
    ['an array', { json: [] }, 400, 'invalid_request'],
    ['null', { json: null }, 400, 'invalid_request'],
    [
      'a wrong attachment',
      { json: { text: 'a', attachments: [{ name: 'x', mediaType: 'text/plain', data: '%%' }] } },
      400,
      'invalid_request',
      /attachments\.0\.data/,
    ],
    [
      'an empty key',
      { json: { text: 'a' }, headers: { 'idempotency-key': ' ' } },
      400,
      'invalid_request',
      /idempotency-key/,
    ],
    [
      'a key with spaces',
      { json: { text: 'a' }, headers: { 'idempotency-key': 'a b' } },
      400,
      'invalid_request',
      /idempotency-key/,
    ],
    [
      'a key of 256',
      { json: { text: 'a' }, headers: { 'idempotency-key': 'k'.repeat(256) } },
      400,
      'invalid_request',
      /idempotency-key/,
    ],
    [
      'a place that is no time zone',
      { json: { text: 'a' }, headers: { 'x-lares-time-zone': 'Moon/Base' } },
      400,
      'invalid_request',
      /time-zone/,
    ],
    ['a wrong token', { json: { text: 'a' }, token: 'wrong' }, 401, 'unauthorized'],
    ['no token', { json: { text: 'a' }, token: null }, 401, 'unauthorized'],
    [
      'another scheme',
      { json: { text: 'a' }, token: null, headers: { authorization: `Basic ${OWNER_TOKEN}` } },
      401,
      'unauthorized',
    ],
  ]
  it.each(refusals)('of %s say what is wrong', async (_name, asked, status, code, words) => {
    const response = await sendRequest(gateway, '/api/messages', asked)
    expect(response.status).toBe(status)
    const { error } = (await response.json()) as { error: { code: string; message: string } }
    expect(error.code).toBe(code)
    if (words) expect(error.message).toMatch(words)
    if (status === 401) expect(response.headers.get('www-authenticate')).toContain('Bearer')
  })

  it.each(['0', '201', 'many'])('of a limit of %s name it', async limit => {
    const { conversation } = await sendMessage(gateway, 'hello')
    const response = await sendRequest(gateway, `/api/conversations/${conversation}/messages?limit=${limit}`)
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('limit')
  })

  it('of a body of 10 MB come before it is read, and the next request is served', async () => {
    expect(await postLargeBody(gateway, 10 * 1024 * 1024)).toBe(413)
    const chunked = await postLargeBody(gateway, 10 * 1024 * 1024, { 'transfer-encoding': 'chunked' })
    expect(chunked).toBe(413)
    expect((await sendRequest(gateway, '/healthz')).status).toBe(200)
  })

  it.each([
    ['/api/conversations/nobody/messages', 'GET', 404],
    ['/api/conversations/nobody/events', 'GET', 404],
    ['/api/nothing', 'GET', 404],
    ['/api/messages', 'DELETE', 404],
    ['/../../etc/passwd', 'GET', 404],
    ['/parts.ts', 'GET', 404],
  ])('of %s by %s are answered in JSON', async (path, method, status) => {
    const response = await sendRequest(gateway, path, { method })
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { code: 'not_found' } })
  })
})

describe('a bus that is away', () => {
  it('acknowledges nothing, and says when to come back', async () => {
    const down = await openTestGateway({
      overrides: {
        events: {
          publish: async () => {
            throw new LaresError('unavailable', 'the bus is away', { retryAfterMs: 2_500 })
          },
        },
      },
    })
    try {
      const response = await sendRequest(down, '/api/messages', { json: { text: 'a', conversation: 'c' } })
      expect(response.status).toBe(503)
      expect(response.headers.get('retry-after')).toBe('3')
      expect((await sendRequest(down, '/api/conversations/c/messages')).status).toBe(404)
    } finally {
      await down.close()
    }
  })
})

function postLargeBody(
  { url }: TestGateway,
  bytes: number,
  headers: Record<string, string> = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${url}/api/messages`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${OWNER_TOKEN}`,
        ...(headers['transfer-encoding'] ? {} : { 'content-length': bytes }),
        ...headers,
      },
    })
    request.on('response', response => {
      resolve(response.statusCode!)
      request.destroy()
    })
    request.on('error', reject)
    const part = Buffer.alloc(64 * 1024, 'x')
    for (let sent = 0; sent < bytes; sent += part.length) request.write(part)
    request.end()
  })
}
