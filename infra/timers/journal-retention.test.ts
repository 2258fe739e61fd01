import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LaresError } from '../../shared/base/errors.ts'
import { silentLogger } from '../../shared/base/log.ts'
import { DEFAULT_RETENTION_MS } from '../../shared/contract/topics.ts'
import { startJournalTrimming } from './journal-retention.ts'

const HOUR_MS = 60 * 60 * 1_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('the journal keeps what the log may bring again, and is trimmed at the start and then each hour', async () => {
  const trimmed: number[] = []
  const trimJournal = async (beforeMs: number) => void trimmed.push(beforeMs)
  const trimming = startJournalTrimming({ trimJournal }, silentLogger, () => 20 * 24 * HOUR_MS)
  await vi.advanceTimersByTimeAsync(2 * HOUR_MS)
  expect(trimmed).toHaveLength(3)
  expect(20 * 24 * HOUR_MS - trimmed[0]!).toBeGreaterThan(DEFAULT_RETENTION_MS)
  await trimming.close()
  await vi.advanceTimersByTimeAsync(2 * HOUR_MS)
  expect(trimmed).toHaveLength(3)
})

test('a store that is away stops nothing', async () => {
  let tries = 0
  const trimJournal = async () => {
    tries++
    throw new LaresError('unavailable', 'gone')
  }
  const trimming = startJournalTrimming({ trimJournal }, silentLogger)
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  expect(tries).toBe(2)
  await trimming.close()
})
