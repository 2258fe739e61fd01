import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LaresError } from '../../shared/base/errors.ts'
import { silentLogger } from '../../shared/base/log.ts'
import { startArchiving } from './archive.ts'

const DAY_MS = 24 * 60 * 60 * 1_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('what is older than so many days is moved, at the start and then each day, also after a failure', async () => {
  const asked: number[] = []
  const chill = async (beforeMs: number) => {
    if (asked.push(beforeMs) === 1) throw new LaresError('unavailable', 'gone')
    return 1
  }
  const cooling = startArchiving({ archive: chill }, 90, silentLogger, () => 100 * DAY_MS)
  await vi.advanceTimersByTimeAsync(2 * DAY_MS)
  expect(asked).toEqual([10 * DAY_MS, 10 * DAY_MS, 10 * DAY_MS])
  await cooling.close()
  await vi.advanceTimersByTimeAsync(2 * DAY_MS)
  expect(asked).toHaveLength(3)
})
