import { afterEach, expect, test, vi } from 'vitest'
import { createRefCountedResource } from './resident-model.ts'

afterEach(() => void vi.useRealTimers())

test('loads once for all who ask, and again after a time of rest', async () => {
  const { resident, counts } = create(5)
  await Promise.all([resident.acquire(), resident.acquire()])
  expect(counts).toEqual({ loaded: 1, disposed: 0 })
  resident.release()
  resident.release()
  await vi.waitFor(() => expect(counts.disposed).toBe(1))
  await resident.acquire()
  expect(counts.loaded).toBe(2)
})

test('does not unload what is in use', async () => {
  vi.useFakeTimers()
  const { resident, counts } = create(10)
  await resident.acquire()
  resident.release()
  await vi.advanceTimersByTimeAsync(9)
  await resident.acquire()
  await vi.advanceTimersByTimeAsync(1000)
  expect(counts).toEqual({ loaded: 1, disposed: 0 })
})

test('tries a load that failed again', async () => {
  let fail = true
  const resident = createRefCountedResource(async () => {
    if (fail) throw new Error('no memory')
    return { dispose: async () => undefined }
  }, 1000)
  await expect(resident.acquire()).rejects.toThrow('no memory')
  resident.release()
  fail = false
  await resident.acquire()
  resident.release()
  await resident.close()
})

test('closes when the last user has gone, and also when it was never loaded', async () => {
  const { resident, counts } = create(1000)
  await create(1000).resident.close()
  await resident.acquire()
  const closed = resident.close()
  expect(counts.disposed).toBe(0)
  resident.release()
  await closed
  expect(counts.disposed).toBe(1)
})

function create(idleMs: number) {
  const counts = { loaded: 0, disposed: 0 }
  const load = async () => {
    counts.loaded++
    return { dispose: async () => void counts.disposed++ }
  }
  return { resident: createRefCountedResource(load, idleMs), counts }
}
