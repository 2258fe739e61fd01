import { expect, test } from 'vitest'
import { createRecent } from './recent.ts'

test('what was used longest ago goes first, after however many', () => {
  const limit = 20
  const recent = createRecent<number>(limit)
  let expected: [key: string, value: number][] = []
  const used = (key: string, value: number) => {
    expected = [...expected.filter(([known]) => known !== key), [key, value] as const].slice(-limit) as never
  }
  for (let step = 0; step < 20_000; step++) {
    // A walk over some sixty keys that comes back to them in no order.
    const key = `key-${(step * 37 + ((step * step) % 11)) % 60}`
    const known = expected.find(([one]) => one === key)?.[1]
    if (step % 3 === 0) {
      expect(recent.get(key)).toBe(known)
      if (known !== undefined) used(key, known)
    } else {
      recent.set(key, step)
      used(key, step)
    }
  }
  for (const [key, value] of expected) expect(recent.get(key)).toBe(value)
})

test('one that holds one', () => {
  const recent = createRecent<string>(1)
  for (const key of ['a', 'b', 'b', 'c']) recent.set(key, key)
  expect(['a', 'b', 'c'].map(recent.get)).toEqual([undefined, undefined, 'c'])
})
