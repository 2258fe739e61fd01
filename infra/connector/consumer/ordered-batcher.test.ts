import { expect, test } from 'vitest'
import { openOrderedBatcher } from './ordered-batcher.ts'

/** A slow sender: each batch is on its way until the test completes it or fails it. */
function openSlowSender() {
  const batches: string[][] = []
  const sends: PromiseWithResolvers<void>[] = []
  const send = (batch: string[]) => {
    batches.push(batch)
    sends.push(Promise.withResolvers())
    return sends.at(-1)!.promise
  }
  return { batches, ends: sends, batcher: openOrderedBatcher(send) }
}

const nextMacrotask = () => new Promise(setImmediate)

test('the first event is sent at once, and later ones are sent together after it', async () => {
  const { batches, ends, batcher } = openSlowSender()
  batcher.add(['a'])
  batcher.add(['b'])
  batcher.add(['c', 'd'])
  expect([batches, batcher.size()]).toEqual([[['a']], 4])
  ends[0]!.resolve()
  await nextMacrotask()
  expect([batches, batcher.size()]).toEqual([[['a'], ['b', 'c', 'd']], 3])
  ends[1]!.resolve()
  await batcher.settled()
  expect(batcher.size()).toBe(0)
  batcher.add(['e'])
  expect(batches.at(-1)).toEqual(['e'])
})

test('a failure ends the sending, and each call of settled() throws it', async () => {
  const { batches, ends, batcher } = openSlowSender()
  batcher.add(['a'])
  batcher.add(['b'])
  ends[0]!.reject(new Error('no road'))
  await nextMacrotask()
  batcher.add(['c'])
  expect(batches).toEqual([['a']])
  await expect(batcher.settled()).rejects.toThrow('no road')
  await expect(batcher.settled()).rejects.toThrow('no road')
})

test('an empty batch sends nothing', async () => {
  const { batches, batcher } = openSlowSender()
  batcher.add([])
  await batcher.settled()
  expect(batches).toEqual([])
})
