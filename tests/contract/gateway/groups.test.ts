import { afterAll, beforeAll, expect, test } from 'vitest'
import { listRows, sendRequest } from './client.ts'
import { ALICE_TOKEN, BOB_TOKEN, openTestGateway, type TestGateway } from './gateway-instance.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await openTestGateway()
})
afterAll(() => gateway.close())

const say = (text: string, more: object, token?: string) =>
  sendRequest(gateway, '/api/messages', { json: { text, ...more }, ...(token && { token }) })

test('members share the conversation of their group, and each message says who sent it', async () => {
  expect((await say('hello all', { group: 'kitchen', conversation: 'g1' })).status).toBe(202)
  expect((await say('hello owner', { conversation: 'g1' }, ALICE_TOKEN)).status).toBe(202)
  const messages = await gateway.publishedMessages()
  expect(messages.map(({ data }) => [data.person, data.principal, data.sender.person])).toEqual([
    ['group/kitchen', { kind: 'group', id: 'kitchen' }, 'owner'],
    ['group/kitchen', { kind: 'group', id: 'kitchen' }, 'alice'],
  ])
  await expect.poll(async () => (await listRows(gateway, 'g1')).length).toBe(4)
  const said = (await listRows(gateway, 'g1')).filter(({ role }) => role === 'user')
  expect(said).toMatchObject([{ sender: 'owner' }, { sender: 'alice' }])
  const listed = (await (
    await sendRequest(gateway, '/api/conversations', { token: ALICE_TOKEN })
  ).json()) as {
    conversations: { id: string }[]
  }
  expect(listed.conversations.map(({ id }) => id)).toContain('g1')
})

test('nobody else reads the conversation of a group, writes into it or begins one', async () => {
  await say('for us alone', { group: 'kitchen', conversation: 'g2' })
  expect((await say('let me in', { conversation: 'g2' }, BOB_TOKEN)).status).toBe(404)
  expect((await say('let me in', { group: 'kitchen' }, BOB_TOKEN)).status).toBe(404)
  for (const path of ['messages', 'events'])
    expect((await sendRequest(gateway, `/api/conversations/g2/${path}`, { token: BOB_TOKEN })).status).toBe(
      404,
    )
})

test('two members may use the same idempotency key', async () => {
  const send = (text: string, token?: string) =>
    sendRequest(gateway, '/api/messages', {
      json: { text, conversation: 'g3', group: 'kitchen' },
      headers: { 'idempotency-key': 'k' },
      ...(token && { token }),
    })
  expect((await send('mine')).status).toBe(202)
  expect((await send('yours', ALICE_TOKEN)).status).toBe(202)
  expect((await send('other words')).status).toBe(422)
})

test('a member cannot make a conversation of their own the group’s', async () => {
  await say('mine alone', { conversation: 'p1' })
  expect((await say('ours now', { conversation: 'p1', group: 'kitchen' })).status).toBe(404)
})
