import { expect, test } from 'vitest'
import { type ErrorCode, LaresError } from '../../../shared/base/errors.ts'
import { DEFAULT_RETRY_POLICY } from '../../../shared/contract/retry-policy.ts'
import { type Attempts, recordFailure } from './retry.ts'

const MINUTE_MS = 60_000

const noAttempts = (): Attempts => ({ receivedAtMs: 0, failures: 0, unreachable: 0 })
const delayAfter = (code: ErrorCode, count: number, options: { random?: number; nowMs?: number } = {}) => {
  const attempts = noAttempts()
  const { random = 1, nowMs = 0 } = options
  return Array.from({ length: count }, () =>
    recordFailure(attempts, new LaresError(code, 'x'), DEFAULT_RETRY_POLICY, nowMs, () => random),
  )
}

test('a failure is tried five times, with waits that double, half of each by chance', () => {
  expect(delayAfter('failed', 5)).toEqual([500, 1_000, 2_000, 4_000, 'last'])
  expect(delayAfter('deadline_exceeded', 5, { random: 0 })).toEqual([250, 500, 1_000, 2_000, 'last'])
})

test('a final error is the last at once', () => {
  const tries = noAttempts()
  expect(recordFailure(tries, new LaresError('rejected', 'x'), DEFAULT_RETRY_POLICY, 0, Math.random)).toBe(
    'last',
  )
  expect(tries).toEqual({ receivedAtMs: 0, failures: 1, unreachable: 0 })
})

test.each(['unavailable', 'busy'] as const)(
  'a function that is %s uses up no tries for ten minutes',
  code => {
    expect(delayAfter(code, 8, { nowMs: 10 * MINUTE_MS - 1 })).toEqual([
      500, 1_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000,
    ])
    expect(delayAfter(code, 5, { nowMs: 10 * MINUTE_MS })).toEqual([500, 1_000, 2_000, 2_000, 'last'])
  },
)

test('waiting for a function that is away and failures of one that is there are counted apart', () => {
  const tries = noAttempts()
  const next = (code: ErrorCode) =>
    recordFailure(tries, new LaresError(code, 'x'), DEFAULT_RETRY_POLICY, 0, () => 1)
  for (let n = 0; n < 50; n++) expect(next('unavailable')).not.toBe('last')
  expect([next('failed'), next('failed'), next('failed'), next('failed')]).not.toContain('last')
  expect(next('failed')).toBe('last')
  expect(tries).toMatchObject({ failures: 5, unreachable: 50 })
})

test('Retry-After is heeded, within reason, and is no reason to come earlier', () => {
  const wait = (retryAfterMs: number) =>
    recordFailure(
      noAttempts(),
      new LaresError('busy', 'x', { retryAfterMs }),
      DEFAULT_RETRY_POLICY,
      0,
      () => 1,
    )
  expect([wait(3_000), wait(0), wait(1e12)]).toEqual([3_000, 500, 10 * MINUTE_MS])
})

test('waits stay within what a timer can hold however often it fails', () => {
  const patient = { ...DEFAULT_RETRY_POLICY, maxAttempts: 5_000 }
  const tries = noAttempts()
  for (let n = 0; n < 4_000; n++)
    expect(recordFailure(tries, new LaresError('failed', 'x'), patient, 0, Math.random)).toBeLessThanOrEqual(
      10_000,
    )
})
