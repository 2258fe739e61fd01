import { expect, test } from 'vitest'
import { type Address, webAddress } from '#shared/contract/events/address.ts'
import { openTestConversation, replies } from '../talk.fixture.ts'

test('a timer that fires is said at once, by nobody asked, also during a turn', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  expect(replies(talk.fired('t1', 'stretch'))).toEqual([
    {
      person: 'ann',
      address: webAddress('c'),
      inReplyTo: null,
      answers: [],
      question: '',
      text: 'Reminder: stretch',
      status: 'completed',
      usage: { inputTokens: 0, outputTokens: 0 },
      language: 'en',
    },
  ])
  expect(talk.rows().at(-1)).toMatchObject({ role: 'assistant', inReplyTo: null, text: 'Reminder: stretch' })
  expect(talk.state.turn?.id).toBe('m1')
})

test('a reminder speaks the language that it was set in', () => {
  expect(replies(openTestConversation().fired('t1', '喝水', { language: 'zh' }))[0]!.text).toBe('提醒：喝水')
})

test('a late reminder says when it was due, in the time zone of the person', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one', { timeZone: 'Asia/Shanghai' })
  const [reply] = replies(talk.fired('t1', 'stretch', { dueAt: '2026-11-24T11:57:00.000Z' }))
  expect(reply!.text).toBe('Reminder, late: stretch (due Tuesday, 24 November 2026 at 19:57)')
})

test('a time zone that this machine does not know is taken as UTC', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one', { timeZone: 'Mars/Olympus' })
  const [reply] = replies(talk.fired('t1', 'stretch', { dueAt: '2026-11-24T11:57:00.000Z' }))
  expect(reply!.text).toContain('11:57')
})

test('a timer is said once, however often it fires', () => {
  const talk = openTestConversation()
  expect(replies(talk.fired('t1', 'stretch'))).toHaveLength(1)
  expect(talk.fired('t1', 'stretch')).toEqual([])
})

const chat = (id: string): Address => ({ channel: 'telegram', account: 'home', chat: id })

test('a reminder goes where the conversation was last heard of, else where it was set', () => {
  const talk = openTestConversation()
  const setFrom = { address: chat('1') }
  expect(replies(talk.fired('t1', 'stretch', setFrom))[0]!.address).toEqual(chat('1'))
  talk.say('m1', 'one', { address: chat('2') })
  expect(replies(talk.fired('t2', 'stretch', setFrom))[0]!.address).toEqual(chat('2'))
})
