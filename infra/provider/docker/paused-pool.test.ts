import { expect, test } from 'vitest'
import { silentLogger } from '../../../shared/base/log.ts'
import type { Replica } from '../fleet/replica.ts'
import { openPausedPool } from './paused-pool.ts'

const replica = (id: string): Replica => ({ id, origin: '', handle: {} })

function openTestPool(budgetBytes: number, brokenIds: string[] = []) {
  const done: string[] = []
  const record =
    (what: string) =>
    async ({ id }: Replica) =>
      void done.push(`${what} ${id}`)
  const unpause = async (one: Replica) => {
    if (brokenIds.includes(one.id)) throw new Error('it is gone')
    await record('unpause')(one)
  }
  const parts = { pause: record('pause'), unpause, end: record('end'), memoryOf: async () => 40 }
  return { done, ...openPausedPool({ budgetBytes, log: silentLogger, ...parts }) }
}

test('the oldest give way when all that rest hold more than the budget', async () => {
  const { add, resume, done } = openTestPool(100)
  for (const id of ['a', 'b', 'c']) await add(replica(id), 'v1')
  expect(done).toEqual(['pause a', 'pause b', 'pause c', 'end a'])
  expect((await resume('v1'))?.id).toBe('c')
  expect((await resume('v1'))?.id).toBe('b')
  expect(await resume('v1')).toBeUndefined()
})

test('without a budget nothing is paused', async () => {
  const { add, done } = openTestPool(0)
  await add(replica('a'), 'v1')
  expect(done).toEqual(['end a'])
})

test('one that does not continue is ended, and the next is taken', async () => {
  const { add, resume, done } = openTestPool(1_000, ['b'])
  for (const id of ['a', 'b']) await add(replica(id), 'v1')
  expect((await resume('v1'))?.id).toBe('a')
  expect(done).toContain('end b')
})

test('only one of the same version continues', async () => {
  const { add, resume, removeWhere } = openTestPool(1_000)
  await add(replica('a'), 'v1')
  expect(await resume('v2')).toBeUndefined()
  expect(removeWhere(version => version === 'v1').map(({ id }) => id)).toEqual(['a'])
})
