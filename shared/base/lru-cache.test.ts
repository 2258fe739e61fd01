import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { createLruCache } from './lru-cache.ts'

test('what was used longest ago goes first, after however many', () => {
  const limit = 20
  const recent = createLruCache<number>(limit)
  let order: string[] = []
  const values = new Map<string, number>()
  const use = (key: string) => {
    order = [...order.filter(known => known !== key), key].slice(-limit)
  }
  for (let step = 0; step < 20_000; step++) {
    // Visits sixty keys repeatedly, without an order.
    const key = `key-${(step * 37 + ((step * step) % 11)) % 60}`
    if (step % 3 === 0) {
      expect(recent.get(key)).toBe(order.includes(key) ? values.get(key) : undefined)
      if (order.includes(key)) use(key)
    } else {
      recent.set(key, step)
      values.set(key, step)
      use(key)
    }
  }
  for (const key of order) expect(recent.get(key)).toBe(values.get(key))
})

test('one that holds one', () => {
  const recent = createLruCache<string>(1)
  for (const key of ['a', 'b', 'b', 'c']) recent.set(key, key)
  expect(['a', 'b', 'c'].map(recent.get)).toEqual([undefined, undefined, 'c'])
})

test('one that is never full keeps no more than what is in it, however often it is asked', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const recent = createLruCache<number>(10_000)
  const ask = (times: number) => {
    for (let n = 0; n < times; n++)
      if (recent.get(`key-${n % 500}`) === undefined) recent.set(`key-${n % 500}`, n)
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = ask(10_000)
  expect(ask(400_000) - before).toBeLessThan(4_000_000)
})
