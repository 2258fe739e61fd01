import { expect, test } from 'vitest'
import { parseRetryAfterMs } from './retry-after.ts'

const NOW = Date.parse('2026-05-01T12:00:00Z')

test('seconds and dates are understood, and a date that is over asks for no wait', () => {
  expect(parseRetryAfterMs('2', NOW)).toBe(2_000)
  expect(parseRetryAfterMs('0.5', NOW)).toBe(500)
  expect(parseRetryAfterMs('Fri, 01 May 2026 12:00:30 GMT', NOW)).toBe(30_000)
  expect(parseRetryAfterMs('Fri, 01 May 2026 11:00:00 GMT', NOW)).toBe(0)
})

test('a header that is missing, empty, repeated or unreadable asks for nothing', () => {
  for (const header of [null, undefined, '', ' ', ['1', '2'], 'soon', '-1x'])
    expect(parseRetryAfterMs(header, NOW)).toBeUndefined()
})
