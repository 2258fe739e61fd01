import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openTestKit, type SkillRequestOptions, type TestKit } from '#shared/host/test-kit.ts'
import { chineseUtterances, englishUtterances } from '../../intent/development-set.fixture.ts'
import reminder from './handler.ts'

let kit: TestKit
beforeEach(async () => {
  kit = await openTestKit()
})
afterEach(() => kit.close())

const answer = async (text: string, options?: SkillRequestOptions) =>
  (await kit.ask(reminder, text, options)).text
const pending = (person = 'alice') => kit.store.timers.pending(person, 99)

describe('the reminder skill', () => {
  it.each([
    ['remind me in two seconds to stretch', '2026-03-27T09:00:02.000Z', 'stretch'],
    ['remind me in one minute to stretch', '2026-03-27T09:01:00.000Z', 'stretch'],
    ['remindme in 5minutes to stretch', '2026-03-27T09:05:00.000Z', 'stretch'],
    ['remind me in five mintues to stretch', '2026-03-27T09:05:00.000Z', 'stretch'],
    ['please remind me in an hour and a half to leave', '2026-03-27T10:30:00.000Z', 'leave'],
    ['hey lares, remind me to stand up in twenty minutes please', '2026-03-27T09:20:00.000Z', 'stand up'],
    ['in ten minutes remind me to check the oven', '2026-03-27T09:10:00.000Z', 'check the oven'],
    ['remind me to call the dentist tomorrow at 9', '2026-03-28T08:00:00.000Z', 'call the dentist'],
    ['remind me tomorrow to call mom at 5', '2026-03-28T16:00:00.000Z', 'call mom'],
    ['remind me at 5.30pm to call Bob', '2026-03-27T16:30:00.000Z', 'call Bob'],
    ['remind me to call Bob at half past five', '2026-03-27T16:30:00.000Z', 'call Bob'],
    ['remind me at quarter to six to start cooking', '2026-03-27T16:45:00.000Z', 'start cooking'],
    ['remind me at noon to eat', '2026-03-27T11:00:00.000Z', 'eat'],
    ['remind me this afternoon to call mum', '2026-03-27T14:00:00.000Z', 'call mum'],
    ['remind me tonight to lock the door', '2026-03-27T19:00:00.000Z', 'lock the door'],
    ['remind me at 4 in the afternoon to pick up the kids', '2026-03-27T15:00:00.000Z', 'pick up the kids'],
    ['i want to be reminded to call the bank at 3', '2026-03-27T14:00:00.000Z', 'call the bank'],
    ['remind me next monday at 10am about the dentist', '2026-03-30T08:00:00.000Z', 'dentist'],
    ['remind me to meet May on Friday', '2026-04-03T07:00:00.000Z', 'meet May'],
    ['remind me the day after tomorrow at 8am to pack', '2026-03-29T06:00:00.000Z', 'pack'],
    ['remind me in two days at 5pm to return the book', '2026-03-29T15:00:00.000Z', 'return the book'],
    ['remind me on May 3rd to congratulate Sam', '2026-05-03T07:00:00.000Z', 'congratulate Sam'],
    ['remind me in 3 months to renew the insurance', '2026-06-27T08:00:00.000Z', 'renew the insurance'],
    ['remind me about the weekly meeting tomorrow at 9', '2026-03-28T08:00:00.000Z', 'weekly meeting'],
    ['remind me to buy two tickets tomorrow at ten', '2026-03-28T09:00:00.000Z', 'buy two tickets'],
    ['remind me to call One Direction at six', '2026-03-27T17:00:00.000Z', 'call One Direction'],
    ["don't let me forget to buy milk at 6pm", '2026-03-27T17:00:00.000Z', 'buy milk'],
    ['set a timer for 20 minutes', '2026-03-27T09:20:00.000Z', 'the time is up'],
    ['set a pizza timer for 12 min', '2026-03-27T09:12:00.000Z', 'pizza'],
    ['wake me up at six thirty', '2026-03-28T05:30:00.000Z', 'this is what you wanted to be reminded of'],
    ['set alarm 6:45', '2026-03-28T05:45:00.000Z', 'this is what you wanted to be reminded of'],
    ['十分钟后提醒我喝水', '2026-03-27T09:10:00.000Z', '喝水'],
    ['１０分钟后提醒我喝水', '2026-03-27T09:10:00.000Z', '喝水'],
    ['半小时后提醒我起床', '2026-03-27T09:30:00.000Z', '起床'],
    ['一个半小时后提醒我出门', '2026-03-27T10:30:00.000Z', '出门'],
    ['再过一刻钟提醒我开会', '2026-03-27T09:15:00.000Z', '开会'],
    ['明天上午九点提醒我给牙医打电话', '2026-03-28T08:00:00.000Z', '给牙医打电话'],
    ['下午五点提醒我接孩子', '2026-03-27T16:00:00.000Z', '接孩子'],
    ['下午3:15提醒我打电话', '2026-03-27T14:15:00.000Z', '打电话'],
    ['今晚八点提醒我锁门', '2026-03-27T19:00:00.000Z', '锁门'],
    ['明早七点半叫我起床', '2026-03-28T06:30:00.000Z', '你要我提醒你的时间到了'],
    ['提醒我星期一交房租', '2026-03-30T07:00:00.000Z', '交房租'],
    ['下周五提醒我交作业', '2026-04-03T07:00:00.000Z', '交作业'],
    ['这周六下午两点提醒我看电影', '2026-03-28T13:00:00.000Z', '看电影'],
    ['五月三号提醒我给小王祝贺', '2026-05-03T07:00:00.000Z', '给小王祝贺'],
    ['三天后早上八点提醒我还书', '2026-03-30T06:00:00.000Z', '还书'],
    ['别让我忘了今晚浇花', '2026-03-27T19:00:00.000Z', '浇花'],
    ['别忘了提醒我六点接孩子', '2026-03-27T17:00:00.000Z', '接孩子'],
    ['设一个煮面的定时器，八分钟', '2026-03-27T09:08:00.000Z', '煮面'],
    ['定个闹钟明早6点', '2026-03-28T05:00:00.000Z', '你要我提醒你的时间到了'],
    ['下个月五号提醒我交房租', '2026-04-05T07:00:00.000Z', '交房租'],
    ['下月五号上午十点提醒我交房租', '2026-04-05T08:00:00.000Z', '交房租'],
    ['下下个月三号提醒我体检', '2026-05-03T07:00:00.000Z', '体检'],
    ['十五号下午三点提醒我开会', '2026-04-15T13:00:00.000Z', '开会'],
    ['30号提醒我还款', '2026-03-30T07:00:00.000Z', '还款'],
    ['下周三提醒我交报告', '2026-04-01T07:00:00.000Z', '交报告'],
    ['下下周一提醒我交报告', '2026-04-06T07:00:00.000Z', '交报告'],
    ['下周提醒我交报告', '2026-04-03T07:00:00.000Z', '交报告'],
    ['提醒我月底对账', '2026-03-31T07:00:00.000Z', '对账'],
    ['下个月底提醒我对账', '2026-04-30T07:00:00.000Z', '对账'],
    ['五月底提醒我对账', '2026-05-31T07:00:00.000Z', '对账'],
    ['年底提醒我写总结', '2026-12-31T08:00:00.000Z', '写总结'],
    ['这周末提醒我洗车', '2026-03-28T08:00:00.000Z', '洗车'],
    ['星期天上午提醒我给花浇水', '2026-03-29T07:00:00.000Z', '给花浇水'],
    ['五月三号下午提醒我给小王祝贺', '2026-05-03T13:00:00.000Z', '给小王祝贺'],
    ['明年三月一号提醒我续签', '2027-03-01T08:00:00.000Z', '续签'],
    ['大后天早上八点提醒我还书', '2026-03-30T06:00:00.000Z', '还书'],
    ['明天九点提醒我去5号楼开会', '2026-03-28T08:00:00.000Z', '去5号楼开会'],
    ['remind me on the 5th to pay the rent', '2026-04-05T07:00:00.000Z', 'pay the rent'],
    ['remind me on the 15th at 3pm to pay the rent', '2026-04-15T13:00:00.000Z', 'pay the rent'],
    ['remind me next month on the 5th to pay', '2026-04-05T07:00:00.000Z', 'pay'],
    ['remind me on the 5th of next month to pay', '2026-04-05T07:00:00.000Z', 'pay'],
    ['remind me at 4 to meet Ann on the 5th floor', '2026-03-27T15:00:00.000Z', 'meet Ann on the 5th floor'],
    ['remind me 明天上午九点 to call', '2026-03-28T08:00:00.000Z', 'call'],
    ['下午五点 remind me to 接孩子', '2026-03-27T16:00:00.000Z', '接孩子'],
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

  it('asks which one when several are meant, and cancels none', async () => {
    await answer('remind me in ten minutes to call Bob')
    await answer('remind me in ten minutes to call Eve')
    for (const text of ['cancel my reminder', 'cancel the reminder to call', '取消提醒'])
      expect(await answer(text), text).toMatch(/Which one|哪一条/)
    expect(await answer('cancel the reminder about the piano')).toContain('no such reminder')
    expect(await pending()).toHaveLength(2)
  })

  it.each([
    ['the second one', ['call Bob', 'call Ann']],
    ['2', ['call Bob', 'call Ann']],
    ['call Eve', ['call Bob', 'call Ann']],
    ['the 5pm one', ['call Bob', 'call Ann']],
    ['the one tomorrow', ['call Bob', 'call Eve']],
    ['1 and 3', ['call Eve']],
    ['all of them', []],
    ['第二个', ['call Bob', 'call Ann']],
    ['都取消吧', []],
  ])('asked which one, "%s" leaves %j', async (said, left) => {
    await answer('remind me at 4pm to call Bob')
    await answer('remind me at 5pm to call Eve')
    await answer('remind me tomorrow to call Ann')
    const { text, asks } = await kit.ask(reminder, 'cancel the reminder to call')
    expect(text).toMatch(/\n2\. today at 17:00: call Eve\n/)
    const again = { asked: asks!.asked, eventId: '0198c0de-0000-7000-8000-000000000003' }
    const first = await kit.ask(reminder, said, again)
    expect(first).toMatchObject({ status: 'ok' })
    expect(await kit.ask(reminder, said, again)).toEqual(first)
    expect((await pending()).map(({ text }) => text)).toEqual(left)
  })

  it('asked which one, asks once more when that is open still, and takes other words for something else', async () => {
    await answer('remind me at 4pm to call Bob at home')
    await answer('remind me at 5pm to call Bob at work')
    await answer('remind me at 6pm to feed the dog')
    const { asks } = await kit.ask(reminder, 'cancel my reminder')
    const second = await kit.ask(reminder, 'Bob', { asked: asks!.asked })
    expect(second.text).toMatch(/^Which one.*at home\n.*at work$/s)
    expect((await kit.ask(reminder, '2', { asked: second.asks!.asked })).text).toContain('call Bob at work')
    for (const text of [
      'what is the weather?',
      'remind me at 7pm to feed the dog again',
      '4',
      'tell me a joke',
    ])
      expect(await kit.ask(reminder, text, { asked: asks!.asked }), text).toMatchObject({
        status: 'declined',
      })
    expect(await answer('2', { asked: asks!.asked })).toContain('over already')
    expect((await pending()).map(({ text }) => text)).toEqual(['call Bob at home', 'feed the dog'])
  })

  it.each([
    ['cancel the reminder about calling Bob', ['feed the dog', 'wake up the kids']],
    ['never mind the reminder to call bob', ['feed the dog', 'wake up the kids']],
    ["don't remind me to call Bob", ['feed the dog', 'wake up the kids']],
    ['cancel my 5pm reminder', ['call Bob', 'wake up the kids']],
    ['cancel my 7am reminder', ['call Bob', 'feed the dog']],
    ['cancel the reminder tomorrow', ['call Bob', 'feed the dog']],
    ['取消明天的提醒', ['call Bob', 'feed the dog']],
    ['delete all my reminders please', []],
    ['取消所有提醒', []],
  ])('"%s" leaves %j', async (said, left) => {
    await answer('remind me at 4pm to call Bob')
    await answer('remind me at 5pm to feed the dog')
    await answer('remind me tomorrow at 7am to wake up the kids')
    expect(await kit.ask(reminder, said)).toMatchObject({ status: 'ok' })
    expect((await pending()).map(({ text }) => text)).toEqual(left)
  })

  it.each([
    'what are my reminders?',
    'any reminders?',
    'show me all reminders please',
    '看看我的提醒',
    '我都有什么提醒',
  ])('"%s" lists the reminders of this person alone', async said => {
    await answer('remind me in ten minutes to rest')
    await answer('remind me in ten minutes to run', { person: 'bob' })
    expect(await answer(said)).toMatch(/\n- (today at|今天) 10:10: rest$/)
  })

  it.each([
    'remind me yesterday to rest',
    'remind me 5 minutes ago',
    'remind me in 0 minutes to go',
    'remind me in 100 years to celebrate',
    '昨天提醒我',
    '一百年后提醒我',
  ])('refuses "%s"', async said => {
    expect(await kit.ask(reminder, said)).toMatchObject({ status: 'failed' })
    expect(await pending()).toEqual([])
  })

  it.each([
    'remind me every day at 8 to take pills',
    'remind me each monday to put out the bins',
    '每天早上八点提醒我吃药',
  ])('says of "%s" that it reminds once', async said => {
    expect(await answer(said)).toMatch(/once|一次/)
    expect(await pending()).toEqual([])
  })

  it.each(['remind me', 'remind me to feed the cat', 'remind me at 25:00 to sleep', '提醒我给妈妈打电话'])(
    'asks for the time of "%s"',
    async said => {
      expect(await answer(said)).toMatch(/^When shall|^什么时候/)
      expect(await pending()).toEqual([])
    },
  )

  it('goes by the clock of the person where it changes', async () => {
    const saidAt = '2026-03-28T12:00:00.000Z'
    await answer('remind me tomorrow at 9 to rest', { saidAt })
    await answer('remind me in 24 hours to run', { saidAt })
    await answer('remind me tomorrow at 9 to sleep', { saidAt, timeZone: 'America/New_York' })
    expect((await pending()).map(({ dueAt }) => dueAt)).toEqual([
      '2026-03-29T07:00:00.000Z',
      '2026-03-29T12:00:00.000Z',
      '2026-03-29T13:00:00.000Z',
    ])
  })

  it.each([
    [{ when: 'tomorrow 9:00', text: 'rest' }, '2026-03-28T08:00:00.000Z'],
    [{ when: '20 minutes', text: 'rest' }, '2026-03-27T09:20:00.000Z'],
    [{ when: '2026-03-28T09:00', text: 'rest' }, '2026-03-28T08:00:00.000Z'],
    [{ action: 'set', when: '2026-03-28T09:00:00Z', text: 'rest' }, '2026-03-28T09:00:00.000Z'],
  ])('takes %j from a model', async (input, dueAt) => {
    await answer('hm', { input })
    expect(await pending()).toMatchObject([{ dueAt, text: 'rest' }])
  })

  it('takes no more, no longer and no later than it can keep', async () => {
    const when = 'in 1 hour'
    expect(await answer('hm', { input: { when, text: 'x'.repeat(501) } })).toContain('too long')
    expect(await answer('hm', { input: { when: 'x'.repeat(10_000), text: 'rest' } })).toContain('When')
    expect(await answer('hm', { input: { when: '9'.repeat(199), text: 'rest' } })).toContain('When')
    await Promise.all(Array.from({ length: 200 }, () => answer('hm', { input: { when, text: 'rest' } })))
    expect(await answer('hm', { input: { when, text: 'rest' } })).toContain('too many')
  })

  it('reads what was made to take long as quickly', async () => {
    for (const part of [
      'remind me ',
      'in 1 hour and ',
      'at 5 to ',
      '提醒我',
      '1个半小时零',
      'to the ',
      'please, ',
      '每',
    ]) {
      const started = performance.now()
      await kit.ask(reminder, `remind me ${part.repeat(980 / part.length)}`)
      expect(performance.now() - started, part).toBeLessThan(3_000)
    }
  })

  it('declines whatever is no reminder', async () => {
    for (const text of [englishUtterances, chineseUtterances].flatMap(({ none, time, calculator, notes }) => [
      ...none,
      ...time,
      ...calculator,
      ...notes,
    ]))
      expect(await kit.ask(reminder, text), text).toMatchObject({ status: 'declined' })
  })
})
