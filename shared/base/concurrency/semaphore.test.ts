import { expect, test } from 'vitest'
import { createSemaphore } from './semaphore.ts'

test('gives a slot to whoever has waited longest', async () => {
  const slots = createSemaphore(1, 10)
  const order: string[] = []
  const held = await slots.acquire()
  const turns = ['first', 'second', 'third'].map(async name => {
    const slot = await slots.acquire()
    order.push(name)
    slots.release(slot)
  })
  slots.release(held)
  await Promise.all(turns)
  expect(order).toEqual(['first', 'second', 'third'])
})

test('never gives a slot to two', async () => {
  const slots = createSemaphore(2, 10)
  const taken = [await slots.acquire(), await slots.acquire()]
  expect(new Set(taken)).toEqual(new Set([0, 1]))
  const third = slots.acquire()
  slots.release(1)
  expect(await third).toBe(1)
})

test('refuses with busy, and a time to wait, when too many wait', async () => {
  const slots = createSemaphore(1, 1)
  const held = await slots.acquire()
  const waiting = slots.acquire()
  await expect(slots.acquire()).rejects.toMatchObject({ code: 'busy', retryable: true, retryAfterMs: 2000 })
  slots.release(held)
  await waiting
})

test('lets one who gives up leave the queue, and forgets nobody else', async () => {
  const slots = createSemaphore(1, 2)
  const held = await slots.acquire()
  const controller = new AbortController()
  const leaving = slots.acquire(controller.signal)
  const staying = slots.acquire()
  controller.abort()
  await expect(leaving).rejects.toMatchObject({ code: 'unavailable' })
  slots.release(held)
  expect(await staying).toBe(held)
})
