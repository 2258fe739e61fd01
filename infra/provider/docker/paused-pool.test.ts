import { expect, test } from 'vitest'
import { noLog } from '../../../shared/base/log.ts'
import type { Instance } from '../fleet/instances.ts'
import { openResting } from './paused-pool.ts'

const instance = (id: string): Instance => ({ id, origin: '', handle: {} })

function resting(budgetBytes: number, brokenOnes: string[] = []) {
  const done: string[] = []
  const note =
    (what: string) =>
    async ({ id }: Instance) =>
      void done.push(`${what} ${id}`)
  const unpause = async (one: Instance) => {
    if (brokenOnes.includes(one.id)) throw new Error('it is gone')
    await note('unpause')(one)
  }
  const parts = { pause: note('pause'), unpause, end: note('end'), memoryOf: async () => 40 }
  return { done, ...openResting({ budgetBytes, log: noLog, ...parts }) }
}

test('the oldest give way when all that rest hold more than the budget', async () => {
  const { keep, take, done } = resting(100)
  for (const id of ['a', 'b', 'c']) await keep(instance(id), 'v1')
  expect(done).toEqual(['pause a', 'pause b', 'pause c', 'end a'])
  expect((await take('v1'))?.id).toBe('c')
  expect((await take('v1'))?.id).toBe('b')
  expect(await take('v1')).toBeUndefined()
})

test('without a budget nothing is paused', async () => {
  const { keep, done } = resting(0)
  await keep(instance('a'), 'v1')
  expect(done).toEqual(['end a'])
})

test('one that does not continue is ended, and the next is taken', async () => {
  const { keep, take, done } = resting(1_000, ['b'])
  for (const id of ['a', 'b']) await keep(instance(id), 'v1')
  expect((await take('v1'))?.id).toBe('a')
  expect(done).toContain('end b')
})

test('only one of the same version continues', async () => {
  const { keep, take, remove } = resting(1_000)
  await keep(instance('a'), 'v1')
  expect(await take('v2')).toBeUndefined()
  expect(remove(version => version === 'v1').map(({ id }) => id)).toEqual(['a'])
})
