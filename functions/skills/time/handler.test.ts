import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestKit, type SkillRequestOptions, type TestKit } from '#shared/host/test-kit.ts'
import { chineseUtterances, englishUtterances } from '../../intent/development-set.fixture.ts'
import time from './handler.ts'

let kit: TestKit
beforeAll(async () => {
  kit = await openTestKit()
})
afterAll(() => kit.close())

const answer = async (text: string, options?: SkillRequestOptions) =>
  (await kit.ask(time, text, options)).text

describe('the time skill', () => {
  it.each([
    ['what time is it?', 'It is 10:00 on Friday, 27 March 2026.'],
    ['what time is it in Tokyo', 'It is 18:00 on Friday, 27 March 2026 in Tokyo.'],
    ['what time is it in new york?', 'It is 05:00 on Friday, 27 March 2026 in New York.'],
    ['what is the time in the USA', 'It is 05:00 on Friday, 27 March 2026 in New York.'],
    ['time in san francisco', 'It is 02:00 on Friday, 27 March 2026 in San Francisco.'],
    ['which day is tomorrow?', 'That is Saturday, 28 March 2026.'],
    ['现在几点？', '现在是2026年3月27日星期五 10:00。'],
    ['东京现在几点', '东京现在是2026年3月27日星期五 18:00。'],
    ['明天星期几？', '是2026年3月28日星期六。'],
  ])('answers "%s" with "%s"', async (text, expected) => {
    expect(await answer(text)).toBe(expected)
  })

  it('counts from when it was asked, in the zone of the person', async () => {
    const options = { saidAt: '2026-11-01T05:30:00.000Z', timeZone: 'America/New_York' }
    expect(await answer('what time is it?', options)).toBe('It is 01:30 on Sunday, 1 November 2026.')
    const hourLater = { ...options, saidAt: '2026-11-01T06:30:00.000Z' }
    expect(await answer('what time is it?', hourLater)).toBe('It is 01:30 on Sunday, 1 November 2026.')
  })

  it('counts days by the calendar over a change of the clock', async () => {
    const options = { saidAt: '2026-03-28T22:30:00.000Z' }
    expect(await answer('what day is tomorrow', options)).toBe('That is Sunday, 29 March 2026.')
  })

  it('takes a zone from a model as city, country or zone name', async () => {
    for (const zone of ['Tokyo', 'japan', 'Asia/Tokyo'])
      expect(await answer('hm', { input: { zone } })).toContain('18:00')
  })

  it('says so when it does not know a place', async () => {
    const result = await kit.ask(time, 'what time is it in Atlantis?')
    expect(result).toMatchObject({ status: 'failed', text: 'I do not know which time zone Atlantis is in.' })
  })

  it.each([
    'what time does the shop open?',
    'is it time to go?',
    'what day is Christmas?',
    '中秋节是哪天？',
    '会议几点开始',
  ])('declines "%s"', async text => {
    expect(await kit.ask(time, text)).toMatchObject({ status: 'declined' })
  })

  it('declines whatever asks for no time', async () => {
    for (const text of [...englishUtterances.none, ...chineseUtterances.none])
      expect(await kit.ask(time, text), text).toMatchObject({ status: 'declined' })
  })
})
