import { expect, test } from 'vitest'
import { createSlots } from './semaphore.ts'

test('gives a slot to whoever has waited longest', async () => {
  const slots = createSlots(1, 10)
  const order: string[] = []
  const held = await slots.take()
  const turns = ['first', 'second', 'third'].map(async name => {
    const slot = await slots.take()
    order.push(name)
    slots.give(slot)
  })
  slots.give(held)
  await Promise.all(turns)
  expect(order).toEqual(['first', 'second', 'third'])
})

test('never gives a slot to two', async () => {
  const slots = createSlots(2, 10)
  const taken = [await slots.take(), await slots.take()]
  expect(new Set(taken)).toEqual(new Set([0, 1]))
  const third = slots.take()
  slots.give(1)
  expect(await third).toBe(1)
})

test('refuses with busy, and a time to wait, when too many wait', async () => {
  const slots = createSlots(1, 1)
  const held = await slots.take()
  const waiting = slots.take()
  await expect(slots.take()).rejects.toMatchObject({ code: 'busy', retryable: true, retryAfterMs: 2000 })
  slots.give(held)
  await waiting
})

test('lets one who gives up leave the queue, and forgets nobody else', async () => {
  const slots = createSlots(1, 2)
  const held = await slots.take()
  const controller = new AbortController()
  const leaving = slots.take(controller.signal)
  const staying = slots.take()
  controller.abort()
  await expect(leaving).rejects.toMatchObject({ code: 'unavailable' })
  slots.give(held)
  expect(await staying).toBe(held)
})
