import { expect, test } from 'vitest'
import { type ErrorCode, LaresError } from '../../../shared/base/errors.ts'
import { DEFAULT_RETRY, nextTry, type Tries } from './retry.ts'

const MINUTE_MS = 60_000

const fresh = (): Tries => ({ firstAtMs: 0, failures: 0, away: 0 })
const waits = (code: ErrorCode, count: number, options: { random?: number; nowMs?: number } = {}) => {
  const tries = fresh()
  const { random = 1, nowMs = 0 } = options
  return Array.from({ length: count }, () =>
    nextTry(tries, new LaresError(code, 'x'), DEFAULT_RETRY, nowMs, () => random),
  )
}

test('a failure is tried five times, with waits that double, half of each by chance', () => {
  expect(waits('failed', 5)).toEqual([500, 1_000, 2_000, 4_000, 'last'])
  expect(waits('deadline_exceeded', 5, { random: 0 })).toEqual([250, 500, 1_000, 2_000, 'last'])
})

test('a final error is the last at once', () => {
  const tries = fresh()
  expect(nextTry(tries, new LaresError('rejected', 'x'), DEFAULT_RETRY, 0, Math.random)).toBe('last')
  expect(tries).toEqual({ firstAtMs: 0, failures: 1, away: 0 })
})

test.each(['unavailable', 'busy'] as const)(
  'a function that is %s uses up no tries for ten minutes',
  code => {
    expect(waits(code, 8, { nowMs: 10 * MINUTE_MS - 1 })).toEqual([
      500, 1_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000,
    ])
    expect(waits(code, 5, { nowMs: 10 * MINUTE_MS })).toEqual([500, 1_000, 2_000, 2_000, 'last'])
  },
)

test('waiting for a function that is away and failures of one that is there are counted apart', () => {
  const tries = fresh()
  const next = (code: ErrorCode) => nextTry(tries, new LaresError(code, 'x'), DEFAULT_RETRY, 0, () => 1)
  for (let n = 0; n < 50; n++) expect(next('unavailable')).not.toBe('last')
  expect([next('failed'), next('failed'), next('failed'), next('failed')]).not.toContain('last')
  expect(next('failed')).toBe('last')
  expect(tries).toMatchObject({ failures: 5, away: 50 })
})

test('Retry-After is heeded, within reason, and is no reason to come earlier', () => {
  const wait = (retryAfterMs: number) =>
    nextTry(fresh(), new LaresError('busy', 'x', { retryAfterMs }), DEFAULT_RETRY, 0, () => 1)
  expect([wait(3_000), wait(0), wait(1e12)]).toEqual([3_000, 500, 10 * MINUTE_MS])
})

test('waits stay within what a timer can hold however often it fails', () => {
  const patient = { ...DEFAULT_RETRY, maxTries: 5_000 }
  const tries = fresh()
  for (let n = 0; n < 4_000; n++)
    expect(nextTry(tries, new LaresError('failed', 'x'), patient, 0, Math.random)).toBeLessThanOrEqual(10_000)
})
