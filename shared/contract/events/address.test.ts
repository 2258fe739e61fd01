import { expect, test } from 'vitest'
import { ownerOf, principalOf } from './address.ts'
import { parseEventData } from './event.ts'

const OLD_MESSAGE = {
  person: 'ann',
  text: 'hello',
  attachments: [],
  channel: 'api',
  language: 'en',
  timeZone: 'UTC',
}

test.each([
  ['api', 'web'],
  ['socket', 'web'],
  ['openai', 'openai'],
])(
  'a message that was written before addresses, by %s, has the address of the channel %s',
  (old, channel) => {
    const message = parseEventData('lares.message.received', { ...OLD_MESSAGE, channel: old })
    expect(message).toEqual({
      person: 'ann',
      text: 'hello',
      attachments: [],
      language: 'en',
      timeZone: 'UTC',
      address: { channel, account: 'default', chat: 'unknown' },
      sender: { identity: { channel, account: 'default', user: 'ann' }, person: 'ann' },
      principal: { kind: 'person', id: 'ann' },
    })
    expect(parseEventData('lares.message.received', message)).toEqual(message)
  },
)

test('an old message inside of another event is completed too, and so is an old reply', () => {
  const recalled = {
    message: OLD_MESSAGE,
    saidAt: '2026-05-01T12:00:00.000Z',
    intent: { skill: null, score: 0, candidates: [] },
    memories: [],
  }
  expect(parseEventData('lares.context.recalled', recalled).message.address.channel).toBe('web')
  const reply = {
    ...{ person: 'ann', inReplyTo: 'm', answers: ['m'], question: 'hello', text: 'hi', status: 'completed' },
    ...{ usage: { inputTokens: 0, outputTokens: 0 }, language: 'en' },
  }
  expect(parseEventData('lares.reply.completed', reply).address.channel).toBe('web')
})

test('a message whose person is not the owner of its conversation is refused', () => {
  const { address, sender } = parseEventData('lares.message.received', OLD_MESSAGE)
  const { channel: _, ...rest } = OLD_MESSAGE
  const principal = { kind: 'group', id: 'ann' }
  expect(() => parseEventData('lares.message.received', { ...rest, address, sender, principal })).toThrow(
    'the person and the principal of a message are the same owner',
  )
})

test('a group owns under a name that no person has', () => {
  const group = { kind: 'group', id: 'kitchen' } as const
  expect(ownerOf(group)).toBe('group/kitchen')
  expect(principalOf(ownerOf(group))).toEqual(group)
  expect(principalOf('kitchen:ann')).toEqual({ kind: 'person', id: 'kitchen:ann' })
})
