import { expect, test } from 'vitest'
import { type Address, type Sender, webAddress } from '#shared/contract/events/address.ts'
import { parseState } from './state.ts'
import { openTestConversation, replies } from './talk.fixture.ts'

const chat = (id: string): Address => ({ channel: 'telegram', account: 'home', chat: id })
const member = (person: string): Sender => ({
  identity: { channel: 'telegram', account: 'home', user: `user of ${person}` },
  person,
})
const addressesOf = (drafts: Parameters<typeof replies>[0]) => replies(drafts).map(({ address }) => address)

test('each reply goes to the address of its message, whatever was said elsewhere meanwhile', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one', { address: chat('1') })
  talk.say('m2', 'two', { address: chat('2') })
  expect(addressesOf(talk.generated('m1', 'first'))).toEqual([chat('1')])
  expect(addressesOf(talk.generated('m2', 'second'))).toEqual([chat('2')])
  expect(talk.rows().map(({ role, address }) => [role, address?.chat])).toEqual([
    ['user', '1'],
    ['user', '2'],
    ['assistant', '1'],
    ['assistant', '2'],
  ])
})

test('commands, refusals and failures are answered where they were said', () => {
  const talk = openTestConversation({ mode: 'queue' })
  expect(addressesOf(talk.say('m1', '/help', { address: chat('1') }))).toEqual([chat('1')])
  talk.say('m2', 'two', { address: chat('2') })
  talk.say('m3', 'three', { address: chat('3') })
  expect(addressesOf(talk.died('lares.prompt.composed', 'm2'))).toEqual([chat('2')])
  expect(addressesOf(talk.say('m4', '/stop', { address: chat('4') }))).toEqual([chat('3'), chat('4')])
  const message = { person: 'ann', text: 'hm', language: 'en', address: chat('5') }
  expect(addressesOf(talk.died('lares.message.received', 'm5', message))).toEqual([chat('5')])
})

test('messages of several addresses or senders are not merged into one turn', () => {
  const talk = openTestConversation({ mode: 'merge' })
  talk.say('m1', 'one', { address: chat('1') })
  talk.say('m2', 'two', { address: chat('1'), sender: member('ann') })
  talk.say('m3', 'three', { address: chat('1'), sender: member('ann') })
  talk.say('m4', 'four', { address: chat('1'), sender: member('bob') })
  talk.say('m5', 'five', { address: chat('2'), sender: member('bob') })
  talk.generated('m1', 'first')
  expect(talk.state.turn?.said.map(({ id }) => id)).toEqual(['m2', 'm3'])
  talk.generated('m3', 'second')
  expect(talk.state.turn?.said.map(({ id }) => id)).toEqual(['m4'])
  talk.generated('m4', 'third')
  expect(talk.state.turn?.said.map(({ id }) => id)).toEqual(['m5'])
})

test('a skill knows where the message came from and who sent it', () => {
  const talk = openTestConversation()
  const [draft] = talk.say('m1', 'what time is it?', {
    skill: 'time',
    address: chat('1'),
    sender: member('bob'),
  })
  expect(draft!.data).toMatchObject({ address: chat('1'), sender: member('bob') })
})

test('a state that was stored before addresses is read, and its turn is answered on the page', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  talk.say('m2', 'two')
  const old = JSON.parse(JSON.stringify(talk.state))
  for (const message of [old.turn.message, old.waiting[0].recalled.message]) {
    for (const field of ['address', 'sender', 'principal']) delete message[field]
    message.channel = 'socket'
  }
  delete old.address
  old.waiting.push({
    kind: 'failure',
    said: { id: 'm0', text: 'hm', saidAt: old.turn.saidAt },
    person: 'ann',
    language: 'en',
    text: 'sorry',
  })
  const state = parseState(old)!
  expect(state.turn!.message.address).toEqual(webAddress('unknown'))
  expect(state.waiting).toMatchObject([
    { recalled: { message: { address: webAddress('unknown') } } },
    { address: webAddress('unknown') },
  ])
})
