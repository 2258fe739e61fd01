import { expect, test } from 'vitest'
import { createWordWrap } from './word-wrap.ts'

/** Pushes the text in pieces of a few characters, as a model streams it. */
function wrapInPieces(text: string, columns: number | undefined, pieceLength = 3): string {
  const wrap = createWordWrap(() => columns)
  let written = ''
  for (let at = 0; at < text.length; at += pieceLength) written += wrap.push(text.slice(at, at + pieceLength))
  return written + wrap.flush()
}

test('a line breaks between words, wherever the pieces of a stream end', () => {
  for (const pieceLength of [1, 2, 3, 7, 100])
    expect(wrapInPieces('I can help in a hospital too', 10, pieceLength)).toBe(
      'I can help\nin a\nhospital\ntoo',
    )
})

test('lines of the text stay, with their indentation, and a word that is wider than the line stays whole', () => {
  expect(wrapInPieces('a:\n  - one\n  - abcdefghijklmn', 10)).toBe('a:\n  - one\n  -\nabcdefghijklmn')
})

test('Chinese breaks between any two characters, which take two columns each', () => {
  expect(wrapInPieces('你好我是助手 ok', 8)).toBe('你好我是\n助手 ok')
})

test('without a terminal nothing is broken', () => {
  expect(wrapInPieces('I can help in a hospital', undefined)).toBe('I can help in a hospital')
})
