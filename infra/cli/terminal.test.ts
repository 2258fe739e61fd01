import { styleText } from 'node:util'
import { expect, test } from 'vitest'
import { formatColumns, formatDuration, formatExactDuration } from './terminal.ts'

test('columns are as wide as what is seen of their cells', () => {
  const red = styleText('red', 'no', { validateStream: false })
  expect(
    formatColumns([
      [red, 'one', ''],
      ['fine', 'two', 'more'],
    ]),
  ).toEqual([`${red}    one`, 'fine  two  more'])
  expect(formatColumns([])).toEqual([])
})

test('a duration is told in the unit that fits', () => {
  expect([0.4, 999, 1_500, 59_900, 61_000, 7_200_000].map(formatDuration)).toEqual([
    '0 ms',
    '999 ms',
    '1.5 s',
    '59.9 s',
    '1 min',
    '2 h',
  ])
})

test('a measured duration is told to the second', () => {
  expect([59_900, 60_000, 72_400, 7_200_000, 7_860_000].map(formatExactDuration)).toEqual([
    '59.9 s',
    '1 min',
    '1 min 12 s',
    '2 h',
    '2 h 11 min',
  ])
})
