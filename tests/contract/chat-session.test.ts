import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openSession, type SessionEvents } from '../../infra/cli/chat/chat-session.ts'
import { openGatewayClient, type Row } from '../../infra/cli/gateway-client.ts'
import { sendMessage } from './gateway/client.ts'
import { OWNER_TOKEN, openTestGateway, type TestGateway } from './gateway/gateway-instance.ts'

let gateway: TestGateway

beforeEach(async () => {
  gateway = await openTestGateway()
})
afterEach(() => gateway.close())

/** A session that notes what it is told. */
async function open(conversation?: string) {
  const observed = {
    replies: [] as Row[],
    others: [] as Row[],
    text: '',
    stages: [] as string[],
    lost: 0,
    back: 0,
  }
  const ended = vi.fn()
  const events: SessionEvents = {
    onReply: row => observed.replies.push(row),
    onOther: row => observed.others.push(row),
    onChunk({ offset, text }) {
      observed.text = observed.text.slice(0, offset) + text
    },
    onStage: ({ stage }) => observed.stages.push(stage),
    onLost: () => observed.lost++,
    onBack: () => observed.back++,
    onEnd: ended,
  }
  const session = await openSession(
    openGatewayClient({ url: gateway.url, token: OWNER_TOKEN }),
    conversation,
    events,
  )
  return { session, told: observed, ended }
}

test('what is said is answered, and the answer comes as it is written', async () => {
  const { session, told } = await open()
  await session.reply(await session.say('hello'))
  const second = await session.reply(await session.say('how are you?'))
  expect(second.text).toBe('You said: how are you?')
  expect(told.replies.map(({ text }) => text)).toEqual(['You said: hello', 'You said: how are you?'])
  expect(told.text).toBe('You said: how are you?')
  expect(told.others).toEqual([])
  await session.close()
})

test('messages said at once are answered in their order', async () => {
  const { session } = await open()
  const texts = Array.from({ length: 10 }, (_, index) => `number ${index}`)
  await Promise.all(texts.map(async text => session.reply(await session.say(text))))
  const said = (await gateway.publishedMessages()).map(({ data }) => data.text)
  expect(said).toEqual(texts)
  await session.close()
})

test('a session that goes on knows what was said, and hears what is said elsewhere', async () => {
  const first = await open()
  await first.session.reply(await first.session.say('hello'))
  const { conversation } = first.session
  await first.session.close()

  const { session, told } = await open(conversation)
  expect(session.before.map(({ text }) => text)).toEqual(['hello', 'You said: hello'])
  await session.reply(await session.say('again'))
  await sendMessage(gateway, 'from the page', { conversation })
  await vi.waitUntil(() => told.others.some(({ text }) => text === 'You said: from the page'))
  expect(told.others.map(({ text }) => text)).toEqual(['from the page', 'You said: from the page'])
  expect(told.replies.map(({ text }) => text)).toEqual(['You said: again'])
  await session.close()
})

test('a gateway that restarts is found again, and what is said meanwhile is answered once', async () => {
  const { session, told } = await open()
  await session.reply(await session.say('before'))
  const restarting = gateway.restart()
  const answer = session.reply(await session.say('meanwhile'))
  await restarting
  expect((await answer).text).toBe('You said: meanwhile')
  await vi.waitUntil(() => told.lost > 0 && told.back > 0, { timeout: 10_000 })
  await session.reply(await session.say('after'))
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
  expect((await session.reply(await session.say('milk'))).text).toBe('You said: milk')
  await session.close()
  const again = await open('groceries')
  expect(again.session.before.map(({ text }) => text)).toEqual(['milk', 'You said: milk'])
  expect(told.replies).toHaveLength(1)
  await again.session.close()
})
