import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openOffsetTracker } from './offset-tracker.ts'

test('nothing is committed before something is finished, and nothing twice', () => {
  const progress = openOffsetTracker()
  expect([progress.start(5), progress.start(6)]).toEqual([true, true])
  expect(progress.offsetToCommit()).toBeUndefined()
  progress.finish(5)
  expect([progress.offsetToCommit(), progress.offsetToCommit()]).toEqual([6, 6])
  progress.markCommitted(6)
  expect(progress.offsetToCommit()).toBeUndefined()
})

test('a record that is not finished holds back what is finished after it', () => {
  const progress = openOffsetTracker()
  for (const offset of [0, 1, 2, 3]) progress.start(offset)
  for (const offset of [3, 1, 2]) progress.finish(offset)
  expect([progress.offsetToCommit(), progress.unfinishedCount(), progress.span()]).toEqual([undefined, 1, 4])
  progress.finish(0)
  expect([progress.offsetToCommit(), progress.unfinishedCount(), progress.span()]).toEqual([4, 0, 0])
})

test('a record that comes a second time is known, whether it is finished or not', () => {
  const progress = openOffsetTracker()
  for (const offset of [0, 1, 2]) progress.start(offset)
  progress.finish(0)
  expect([0, 1, 2, 3].map(progress.start)).toEqual([false, false, false, true])
  for (const offset of [1, 2, 3]) progress.finish(offset)
  expect(progress.offsetToCommit()).toBe(4)
})

/** Offsets with gaps, and an order in which they finish. */
const finishingOrders = fc
  .array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3_000 })
  .map(gaps => {
    let offset = -1
    return gaps.map(gap => (offset += gap))
  })
  .chain(offsets => fc.tuple(fc.constant(offsets), fc.shuffledSubarray(offsets)))

test('what may be committed is always one past the last record of the finished beginning', () => {
  fc.assert(
    fc.property(finishingOrders, fc.integer({ min: 1, max: 50 }), ([offsets, finishing], lookEvery) => {
      const progress = openOffsetTracker()
      for (const offset of offsets) progress.start(offset)
      const finished = new Set<number>()
      for (const [index, offset] of finishing.entries()) {
        progress.finish(offset)
        finished.add(offset)
        if (index % lookEvery !== 0) continue
        const firstOpen = offsets.findIndex(one => !finished.has(one))
        const beginning = firstOpen < 0 ? offsets : offsets.slice(0, firstOpen)
        const position = beginning.length > 0 ? beginning.at(-1)! + 1 : undefined
        expect(progress.offsetToCommit()).toBe(position)
        expect(progress.unfinishedCount()).toBe(offsets.length - finished.size)
        expect(progress.span()).toBe(offsets.length - beginning.length)
      }
    }),
    { numRuns: 50 },
  )
})
