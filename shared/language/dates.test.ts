import { expect, test } from 'vitest'
import { formatDateTime } from './date-format.ts'
import { instantFromWallMs, toWallMs, wallTime } from './dates.ts'

const toDate = (iso: string) => new Date(iso)
const instant = (wall: string, zone: string) => instantFromWallMs(Date.parse(`${wall}Z`), zone).toISOString()

test.each([
  ['2026-03-27T09:05:00Z', 'Europe/Berlin', 'en', 'Friday, 27 March 2026 at 10:05'],
  ['2026-03-27T09:05:00Z', 'Asia/Shanghai', 'zh', '2026年3月27日星期五 17:05'],
  ['2026-12-31T23:30:00Z', 'Asia/Kolkata', 'en', 'Friday, 1 January 2027 at 05:00'],
  ['2026-03-27T23:00:00Z', 'Europe/Berlin', 'en', 'Saturday, 28 March 2026 at 00:00'],
  ['2026-03-27T09:05:00Z', 'Mars/Olympus', 'en', 'Friday, 27 March 2026 at 09:05'],
] as const)('%s in %s is said in %s as "%s"', (when, zone, language, said) => {
  expect(formatDateTime(toDate(when), zone, language)).toBe(said)
})

test.each([
  ['2026-03-27T09:00:00', 'Europe/Berlin', '2026-03-27T08:00:00.000Z'],
  ['2026-07-01T09:00:00', 'America/New_York', '2026-07-01T13:00:00.000Z'],
  ['2026-07-01T09:00:00', 'Asia/Kathmandu', '2026-07-01T03:15:00.000Z'],
  ['2026-07-01T09:00:00', 'Pacific/Kiritimati', '2026-06-30T19:00:00.000Z'],
])('the wall shows %s in %s at %s', (wall, zone, expected) => {
  expect(instant(wall, zone)).toBe(expected)
})

test('a time that a change of the clock leaves out is an hour later', () => {
  expect(instant('2026-03-29T02:30:00', 'Europe/Berlin')).toBe('2026-03-29T01:30:00.000Z')
})

test('of a time that comes twice the first is meant', () => {
  expect(instant('2026-10-25T02:30:00', 'Europe/Berlin')).toBe('2026-10-25T00:30:00.000Z')
  expect(instant('2026-11-01T01:30:00', 'America/New_York')).toBe('2026-11-01T05:30:00.000Z')
})

test('what the wall shows at a moment leads back to it', () => {
  for (const zone of ['Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Shanghai'])
    for (let day = 0; day < 366; day++) {
      const when = new Date(Date.UTC(2026, 0, 1 + day, 13, 17, 42))
      expect(instantFromWallMs(toWallMs(wallTime(when, zone)), zone)).toEqual(when)
    }
})
