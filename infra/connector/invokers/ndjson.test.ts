import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readLines } from './ndjson.ts'

async function* chunksOf(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function readAllLines(text: string, size: number): Promise<string[]> {
  const lines: string[] = []
  for await (const line of readLines(chunksOf(Buffer.from(text), size))) lines.push(line)
  return lines
}

test('lines come back whole however they are cut, in the middle of a character too', async () => {
  const line = fc.string({ unit: 'binary' }).filter(text => !text.includes('\n'))
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 9 }), async (lines, size) => {
      expect(await readAllLines(lines.map(one => `${one}\n`).join(''), size)).toEqual(lines)
    }),
  )
})

test('only a line feed ends a line: the other separators of Unicode are part of a text', async () => {
  expect(await readAllLines('a\u2028b\u2029c\rd\u0085e\n', 3)).toEqual(['a\u2028b\u2029c\rd\u0085e'])
})

test('an end within a line is a failure that may be tried again', async () => {
  await expect(readAllLines('{"a": 1}\n{"b"', 4)).rejects.toMatchObject({ code: 'failed', retryable: true })
})
