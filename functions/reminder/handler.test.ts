import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chinese, english } from '../intent/development-set.ts'
import { type AskOptions, type Kit, openKit } from '../test-kit.ts'
import reminder from './handler.ts'

let kit: Kit
beforeEach(async () => {
  kit = await openKit()
})
afterEach(() => kit.close())

const answer = async (text: string, options?: AskOptions) => (await kit.ask(reminder, text, options)).text
const pending = (person = 'alice') => kit.conversations.timers.pending(person, 99)

describe('the reminder skill', () => {
  it.each([
    ['remind me in two seconds to stretch', '2026-03-27T09:00:02.000Z', 'stretch'],
    ['remind me in one minute to stretch', '2026-03-27T09:01:00.000Z', 'stretch'],
    ['remind me to call the dentist tomorrow at 9', '2026-03-28T08:00:00.000Z', 'call the dentist'],
    ['set a timer for 20 minutes', '2026-03-27T09:20:00.000Z', 'the time is up'],
    ['wake me up at six thirty', '2026-03-28T05:30:00.000Z', 'this is what you wanted to be reminded of'],
    ['十分钟后提醒我喝水', '2026-03-27T09:10:00.000Z', '喝水'],
    ['半小时后提醒我起床', '2026-03-27T09:30:00.000Z', '起床'],
    ['明天上午九点提醒我给牙医打电话', '2026-03-28T08:00:00.000Z', '给牙医打电话'],
    ['下午五点提醒我接孩子', '2026-03-27T16:00:00.000Z', '接孩子'],
    ['提醒我星期一交房租', '2026-03-30T07:00:00.000Z', '交房租'],
  ])('"%s" is due at %s: %s', async (said, dueAt, text) => {
    expect(await kit.ask(reminder, said)).toMatchObject({ status: 'ok' })
    expect(await pending()).toMatchObject([{ dueAt, text, conversation: 'conversation', person: 'alice' }])
  })

  it('says when it is due', async () => {
    expect(await answer('remind me to rest in ten minutes')).toBe('I will remind you today at 10:10: rest')
    expect(await answer('明天上午九点提醒我开会')).toBe('好的，我会在明天 09:00提醒你：开会')
  })

  it('sets one timer, and says the same, when the event comes again', async () => {
    const again = { eventId: '0198c0de-0000-7000-8000-000000000001' }
    const first = await kit.ask(reminder, 'remind me in ten minutes to drink water', again)
    expect(await kit.ask(reminder, 'remind me in ten minutes to drink water', again)).toEqual(first)
    expect(await pending()).toHaveLength(1)
  })

  it('cancels the one that is meant, and says the same when the event comes again', async () => {
    await answer('remind me in ten minutes to drink water')
    await answer('remind me in ten minutes to pay the rent')
    const again = { eventId: '0198c0de-0000-7000-8000-000000000002' }
    const first = await kit.ask(reminder, 'cancel the reminder to drink water', again)
    expect(first.text).toBe('Cancelled: drink water (today at 10:10).')
    expect(await kit.ask(reminder, 'cancel the reminder to drink water', again)).toEqual(first)
    expect(await pending()).toMatchObject([{ text: 'pay the rent' }])
  })

  it('refuses what is over, and declines to repeat', async () => {
    expect(await kit.ask(reminder, 'remind me yesterday at 5 to rest')).toMatchObject({ status: 'failed' })
    expect(await answer('remind me every day at 8 to take my pills')).toContain('once')
    expect(await pending()).toEqual([])
  })

  it('declines whatever is no reminder', async () => {
    for (const text of [english, chinese].flatMap(({ none, time, calculator, notes }) => [
      ...none,
      ...time,
      ...calculator,
      ...notes,
    ]))
      expect(await kit.ask(reminder, text), text).toMatchObject({ status: 'declined' })
  })
})
