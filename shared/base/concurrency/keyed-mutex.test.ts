import { expect, test } from 'vitest'
import { openKeyedMutex } from './keyed-mutex.ts'

test('work of one key is done in the order it came, past failures; other keys do not wait', async () => {
  const order = openKeyedMutex()
  const done: string[] = []
  const gate = Promise.withResolvers<void>()
  const first = order.run('a', async () => {
    await gate.promise
    done.push('a1')
    throw new Error('the first failed')
  })
  const second = order.run('a', async () => done.push('a2'))
  const other = order.run('b', async () => done.push('b1'))
  await other
  gate.resolve()
  await order.settled()
  await expect(first).rejects.toThrow('the first failed')
  await second
  expect(done).toEqual(['b1', 'a1', 'a2'])
  await order.run('a', async () => done.push('a3'))
  expect(done.at(-1)).toBe('a3')
})
