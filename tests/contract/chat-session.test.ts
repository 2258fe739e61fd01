import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openChatSession, type SessionHandlers } from '../../infra/cli/chat/chat-session.ts'
import { type MessageRow, openGatewayClient } from '../../infra/cli/gateway-client.ts'
import { sendMessage } from './gateway/client.ts'
import { OWNER_TOKEN, openTestGateway, type TestGateway } from './gateway/gateway-instance.ts'

let gateway: TestGateway

beforeEach(async () => {
  gateway = await openTestGateway()
})
afterEach(() => gateway.close())

/** A session that records what it is told. */
async function open(conversation?: string) {
  const observed = {
    replies: [] as MessageRow[],
    others: [] as MessageRow[],
    text: '',
    stages: [] as string[],
    lost: 0,
    back: 0,
  }
  const ended = vi.fn()
  const events: SessionHandlers = {
    onReply: row => observed.replies.push(row),
    onOther: row => observed.others.push(row),
    onChunk({ offset, text }) {
      observed.text = observed.text.slice(0, offset) + text
    },
    onStage: ({ stage }) => observed.stages.push(stage),
    onDisconnected: () => observed.lost++,
    onReconnected: () => observed.back++,
    onEnd: ended,
  }
  const session = await openChatSession(
    openGatewayClient({ url: gateway.url, token: OWNER_TOKEN }),
    conversation,
    events,
  )
  return { session, told: observed, ended }
}

test('what is said is answered, and the answer comes as it is written', async () => {
  const { session, told } = await open()
  await session.waitForReply(await session.send('hello'))
  const second = await session.waitForReply(await session.send('how are you?'))
  expect(second.text).toBe('You said: how are you?')
  expect(told.replies.map(({ text }) => text)).toEqual(['You said: hello', 'You said: how are you?'])
  expect(told.text).toBe('You said: how are you?')
  expect(told.others).toEqual([])
  await session.close()
})

test('messages said at once are answered in their order', async () => {
  const { session } = await open()
  const texts = Array.from({ length: 10 }, (_, index) => `number ${index}`)
  await Promise.all(texts.map(async text => session.waitForReply(await session.send(text))))
  const said = (await gateway.publishedMessages()).map(({ data }) => data.text)
  expect(said).toEqual(texts)
  await session.close()
})

test('a session that goes on knows what was said, and hears what is said elsewhere', async () => {
  const first = await open()
  await first.session.waitForReply(await first.session.send('hello'))
  const { conversation } = first.session
  await first.session.close()

  const { session, told } = await open(conversation)
  expect(session.before.map(({ text }) => text)).toEqual(['hello', 'You said: hello'])
  await session.waitForReply(await session.send('again'))
  await sendMessage(gateway, 'from the page', { conversation })
  await vi.waitUntil(() => told.others.some(({ text }) => text === 'You said: from the page'))
  expect(told.others.map(({ text }) => text)).toEqual(['from the page', 'You said: from the page'])
  expect(told.replies.map(({ text }) => text)).toEqual(['You said: again'])
  await session.close()
})

test('a gateway that restarts is found again, and what is said meanwhile is answered once', async () => {
  const { session, told } = await open()
  await session.waitForReply(await session.send('before'))
  const restarting = gateway.restart()
  const answer = session.waitForReply(await session.send('meanwhile'))
  await restarting
  expect((await answer).text).toBe('You said: meanwhile')
  await vi.waitUntil(() => told.lost > 0 && told.back > 0, { timeout: 10_000 })
  await session.waitForReply(await session.send('after'))
  expect(told.replies.map(({ text }) => text)).toEqual([
    'You said: before',
    'You said: meanwhile',
    'You said: after',
  ])
  await session.close()
})

test('a conversation of a name that is not there yet is begun under it', async () => {
  const { session, told } = await open('groceries')
  expect(session.conversation).toBe('groceries')
  expect((await session.waitForReply(await session.send('milk'))).text).toBe('You said: milk')
  await session.close()
  const again = await open('groceries')
  expect(again.session.before.map(({ text }) => text)).toEqual(['milk', 'You said: milk'])
  expect(told.replies).toHaveLength(1)
  await again.session.close()
})
