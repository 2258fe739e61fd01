import { expect, test } from 'vitest'
import { choiceQuestion, parseChoice, parseChoiceQuestion } from './choices.ts'

const OPTIONS = ['call Bob', 'call Eve', 'feed the dog', '给妈妈打电话'].map((text, at) => ({
  id: `id-${at + 1}`,
  text,
}))

test.each([
  ['2', [2]],
  ['the second one please', [2]],
  ['no. 2', [2]],
  ['number two', [2]],
  ['2nd', [2]],
  ['第二个', [2]],
  ['取消第二条吧', [2]],
  ['二', [2]],
  ['the last one', [4]],
  ['最后一个', [4]],
  ['1 and 3', [1, 3]],
  ['the first and the third', [1, 3]],
  ['1, 2 and 4', [1, 2, 4]],
  ['第一个和第三个', [1, 3]],
  ['all of them', [1, 2, 3, 4]],
  ['全部', [1, 2, 3, 4]],
  ['都取消', [1, 2, 3, 4]],
  ['call Bob', [1]],
  ['cancel the one about the dog', [3]],
  ['the dog one', [3]],
  ['Eve', [2]],
  ['给妈妈打电话那个', [4]],
  ['妈妈', [4]],
])('"%s" means %j', (said, places) => {
  const { items, isSure } = parseChoice(OPTIONS, said)
  expect(items.map(({ id }) => id)).toEqual(places.map(at => `id-${at}`))
  expect(isSure).toBe(true)
})

test('words that fit several leave it open', () => {
  expect(parseChoice(OPTIONS, 'call')).toEqual({ items: OPTIONS.slice(0, 2), isSure: false })
})

test.each([
  '',
  '5',
  '0',
  '99',
  'fifth',
  '1 and 9',
  'what time is it?',
  'call Bob a taxi',
  'remind me to feed the dog tomorrow',
  'please',
  '今天天气怎么样',
  '1e9',
])('"%s" is no answer', said => {
  expect(parseChoice(OPTIONS, said)).toEqual({ items: [], isSure: false })
})

test('what was made to take long is read as quickly', () => {
  for (const part of [' ', '. ', 'the ', 'one ', '和', ' and', '的', '第', '都', ', ', ' 1', '我是'])
    for (const said of [part.repeat(200 / part.length), `x${part.repeat(190 / part.length)}x`]) {
      const started = performance.now()
      parseChoice(OPTIONS, said)
      expect(performance.now() - started, said).toBeLessThan(3_000)
    }
  expect(parseChoice(OPTIONS, `call Bob${' '.repeat(100_000)}`)).toEqual({ items: [], isSure: false })
})

test('what is asked with fits into the state of a conversation, and comes back whole', () => {
  const long = Array.from({ length: 50 }, (_, at) => ({
    id: crypto.randomUUID(),
    text: `${at} ${'字'.repeat(500)}`,
  }))
  const { asked } = choiceQuestion(long)
  expect(JSON.stringify(asked).length).toBeLessThan(4_000)
  expect(parseChoiceQuestion(JSON.parse(JSON.stringify(asked)))).toEqual(asked.among)
  expect(parseChoiceQuestion({ missing: 'when' })).toBeUndefined()
  expect(parseChoiceQuestion(undefined)).toBeUndefined()
})
