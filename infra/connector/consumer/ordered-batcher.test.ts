import { expect, test } from 'vitest'
import { openOrderedBatcher } from './ordered-batcher.ts'

/** A slow sender: each batch is on its way until the test lets it arrive or fail. */
function openSlowSender() {
  const batches: string[][] = []
  const sends: PromiseWithResolvers<void>[] = []
  const send = (batch: string[]) => {
    batches.push(batch)
    sends.push(Promise.withResolvers())
    return sends.at(-1)!.promise
  }
  return { batches, ends: sends, outbox: openOrderedBatcher(send) }
}

const nextMacrotask = () => new Promise(setImmediate)

test('the first goes at once, and what comes meanwhile goes together afterwards', async () => {
  const { batches, ends, outbox } = openSlowSender()
  outbox.add(['a'])
  outbox.add(['b'])
  outbox.add(['c', 'd'])
  expect([batches, outbox.size()]).toEqual([[['a']], 4])
  ends[0]!.resolve()
  await nextMacrotask()
  expect([batches, outbox.size()]).toEqual([[['a'], ['b', 'c', 'd']], 3])
  ends[1]!.resolve()
  await outbox.settled()
  expect(outbox.size()).toBe(0)
  outbox.add(['e'])
  expect(batches.at(-1)).toEqual(['e'])
})

test('a failure ends the sending; it disturbs nobody until somebody asks, and is told each time', async () => {
  const { batches, ends, outbox } = openSlowSender()
  outbox.add(['a'])
  outbox.add(['b'])
  ends[0]!.reject(new Error('no road'))
  await nextMacrotask()
  outbox.add(['c'])
  expect(batches).toEqual([['a']])
  await expect(outbox.settled()).rejects.toThrow('no road')
  await expect(outbox.settled()).rejects.toThrow('no road')
})

test('nothing added is nothing sent', async () => {
  const { batches, outbox } = openSlowSender()
  outbox.add([])
  await outbox.settled()
  expect(batches).toEqual([])
})
