import { expect, test } from 'vitest'
import { isInActiveHours, parseActiveHours } from './active-hours.ts'

const hours = (text: string) => parseActiveHours({ 'com.lares.active-hours': text })!
const isActiveAt = (text: string, time: string) => isInActiveHours(hours(text), Date.parse(time))

test('days, times and a zone say when', () => {
  const office = 'Mon-Fri 07:00-22:30 Europe/Berlin'
  expect(isActiveAt(office, '2026-05-04T05:00:00Z')).toBe(true)
  expect(isActiveAt(office, '2026-05-04T04:59:59Z')).toBe(false)
  expect(isActiveAt(office, '2026-05-04T20:29:59Z')).toBe(true)
  expect(isActiveAt(office, '2026-05-04T20:30:00Z')).toBe(false)
  expect(isActiveAt(office, '2026-05-03T10:00:00Z')).toBe(false)
})

test('a window over midnight belongs to the day on which it begins', () => {
  const late = 'Fri 20:00-02:00 UTC'
  expect(isActiveAt(late, '2026-05-08T23:00:00Z')).toBe(true)
  expect(isActiveAt(late, '2026-05-09T01:59:00Z')).toBe(true)
  expect(isActiveAt(late, '2026-05-08T01:00:00Z')).toBe(false)
  expect(isActiveAt(late, '2026-05-09T23:00:00Z')).toBe(false)
})

test('several windows, lists of days, ranges over the week’s end, and the whole day', () => {
  const many = 'Mon-Fri 08:00-12:00; Sat,Sun 10:00-24:00 UTC'
  expect(isActiveAt(many, '2026-05-09T23:59:00Z')).toBe(true)
  expect(isActiveAt(many, '2026-05-08T13:00:00Z')).toBe(false)
  expect(hours('Sat-Mon 00:00-24:00 UTC').windows[0]!.days).toEqual([6, 0, 1])
  expect(isActiveAt('daily 00:00-24:00 UTC', '2026-05-09T23:59:59Z')).toBe(true)
})

test.each([
  'always',
  'Mon 25:00-26:00 UTC',
  'Someday 07:00-08:00 UTC',
  'Mon 7-8 UTC',
  'Mon 07:00-08:00 Mars/Base',
])('"%s" is refused with an example', text => {
  expect(() => hours(text)).toThrow('Mon-Fri 07:00-22:30 Europe/Berlin')
})

/**
 * Checks every quarter of an hour of a year against the local time. Berlin and New York change their clocks, Shanghai
 * does not.
 */
test.each(['Europe/Berlin', 'America/New_York', 'Asia/Shanghai'])(
  'over a year in %s no start is missed and none is too many',
  zone => {
    const window = hours(`Mon-Fri 07:00-22:00 ${zone}`)
    const wall = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' })
    const starts: string[] = []
    const ends: string[] = []
    let before = false
    const from = Date.UTC(2026, 0, 1)
    for (let quarter = 0; quarter < 365 * 24 * 4; quarter++) {
      const at = from + quarter * 15 * 60_000
      const now = isInActiveHours(window, at)
      if (now !== before) (now ? starts : ends).push(wall.format(at))
      before = now
    }
    // In zones ahead of UTC the window may already be open at the first moment of the year.
    const clean = starts.filter(time => time.endsWith('07:00'))
    expect(starts.length - clean.length).toBeLessThanOrEqual(1)
    expect(ends.every(time => time.endsWith('22:00'))).toBe(true)
    expect(new Set(clean.map(time => time.slice(0, 10))).size).toBe(clean.length)
    const weekdays = Array.from({ length: 365 }, (_, day) => new Date(from + day * 86_400_000)).filter(
      date => date.getUTCDay() % 6 !== 0,
    )
    expect(Math.abs(starts.length - weekdays.length)).toBeLessThanOrEqual(1)
  },
)
