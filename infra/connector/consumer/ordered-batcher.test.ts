import { expect, test } from 'vitest'
import { openOutbox } from './ordered-batcher.ts'

/** A slow sender: each batch is on its way until the test lets it arrive or fail. */
function openRoad() {
  const batches: string[][] = []
  const ends: PromiseWithResolvers<void>[] = []
  const send = (batch: string[]) => {
    batches.push(batch)
    ends.push(Promise.withResolvers())
    return ends.at(-1)!.promise
  }
  return { batches, ends, outbox: openOutbox(send) }
}

const turn = () => new Promise(setImmediate)

test('the first goes at once, and what comes meanwhile goes together afterwards', async () => {
  const { batches, ends, outbox } = openRoad()
  outbox.add(['a'])
  outbox.add(['b'])
  outbox.add(['c', 'd'])
  expect([batches, outbox.size()]).toEqual([[['a']], 4])
  ends[0]!.resolve()
  await turn()
  expect([batches, outbox.size()]).toEqual([[['a'], ['b', 'c', 'd']], 3])
  ends[1]!.resolve()
  await outbox.settled()
  expect(outbox.size()).toBe(0)
  outbox.add(['e'])
  expect(batches.at(-1)).toEqual(['e'])
})

test('a failure ends the sending; it disturbs nobody until somebody asks, and is told each time', async () => {
  const { batches, ends, outbox } = openRoad()
  outbox.add(['a'])
  outbox.add(['b'])
  ends[0]!.reject(new Error('no road'))
  await turn()
  outbox.add(['c'])
  expect(batches).toEqual([['a']])
  await expect(outbox.settled()).rejects.toThrow('no road')
  await expect(outbox.settled()).rejects.toThrow('no road')
})

test('nothing added is nothing sent', async () => {
  const { batches, outbox } = openRoad()
  outbox.add([])
  await outbox.settled()
  expect(batches).toEqual([])
})
