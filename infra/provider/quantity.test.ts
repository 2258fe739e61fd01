import { expect, test } from 'vitest'
import { parseQuantity } from './quantity.ts'

test.each([
  ['256Mi', 256 * 2 ** 20],
  ['1Gi', 2 ** 30],
  ['1.5G', 1.5e9],
  ['128974848', 128_974_848],
  ['1e3', 1_000],
  ['500m', 0.5],
  ['2', 2],
])('%s is %d', (text, value) => {
  expect(parseQuantity(text, 'it')).toBe(value)
})

test.each(['', 'lots', '256MB', '-1', '0', '1 Gi', '0x10'])(
  '"%s" is refused, naming what it is for',
  text => {
    expect(() => parseQuantity(text, 'intent: limits.memory')).toThrow(/^intent: limits\.memory: /)
  },
)
