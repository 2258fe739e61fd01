import { expect, test } from 'vitest'
import { backoffMs, jitteredBackoffMs } from './backoff.ts'

const backoff = { baseMs: 100, maxMs: 1_000 }

test('the wait doubles with each failure, up to the longest one', () => {
  expect([1, 2, 3, 4, 5, 6, 5_000].map(failures => backoffMs(failures, backoff))).toEqual([
    100, 200, 400, 800, 1_000, 1_000, 1_000,
  ])
})

test('jitter takes at most half of the wait away', () => {
  expect(jitteredBackoffMs(2, backoff, () => 0)).toBe(100)
  expect(jitteredBackoffMs(2, backoff, () => 0.5)).toBe(150)
})
