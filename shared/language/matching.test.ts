import { expect, test } from 'vitest'
import { bestMatches } from './matching.ts'

const notes = [
  'the plumber comes on Friday',
  'paint for the door: RAL 7016',
  'paint for the roof: red',
  '老王借了帐篷',
  '老李借了梯子',
]
const match = (words: string) => bestMatches(notes, text => text, words)

test.each([
  ['plumber', ['the plumber comes on Friday']],
  ['the Plumbers', ['the plumber comes on Friday']],
  ['door paint', ['paint for the door: RAL 7016']],
  ['ｄｏｏｒ', ['paint for the door: RAL 7016']],
  ['paint', ['paint for the door: RAL 7016', 'paint for the roof: red']],
  ['帐篷', ['老王借了帐篷']],
  ['借', ['老王借了帐篷', '老李借了梯子']],
])('%j surely means %j', (words, items) => {
  expect(match(words)).toEqual({ items, isSure: true })
})

test('what holds most of the words may be meant, and no more than that', () => {
  expect(match('paint of the green door')).toEqual({ items: ['paint for the door: RAL 7016'], isSure: false })
})

test.each(['elephant', 'the', '', '的', '!?', 'plumber elephant'])('%j means none', words => {
  expect(match(words)).toEqual({ items: [], isSure: false })
})
