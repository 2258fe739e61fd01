import { expect, test } from 'vitest'
import { type ExportLine, openDigest, parseLine } from './export-format.ts'
import { decodeVector, encodeVector } from './vector-text.ts'

const message = (place: number, text: string): ExportLine => ({
  kind: 'message',
  place,
  conversation: 'c',
  person: 'alice',
  id: `m${place}`,
  role: 'user',
  text,
  inReplyTo: null,
  createdAt: '2026-05-01T12:00:00.000Z',
  status: 'completed',
})
const digestOf = (lines: ExportLine[]) => {
  const digest = openDigest()
  lines.forEach(digest.add)
  return digest.end()
}

test('a digest is of what the lines say, not of their order or how they are written', () => {
  const [one, two] = [message(1, 'hello'), message(2, 'world')]
  const turned = parseLine(JSON.stringify(Object.fromEntries(Object.entries(one).reverse())), 1)
  expect(digestOf([turned, two])).toEqual(digestOf([two, one]))
  expect(digestOf([one, message(2, 'world!')])).not.toEqual(digestOf([one, two]))
  expect(digestOf([message(1, 'world'), message(2, 'hello')])).not.toEqual(digestOf([one, two]))
  expect(digestOf([one, one])).not.toEqual(digestOf([one]))
})

test('a line that is not understood is refused by its number', () => {
  for (const line of [
    '',
    '{',
    '{"kind":"message"}',
    '{"kind":"spell"}',
    JSON.stringify({ ...message(1, 'a'), more: 1 }),
  ])
    expect(() => parseLine(line, 7)).toThrow(/^line 7 is not of an export/)
  expect(() =>
    parseLine('{"kind":"object","key":"../up","mediaType":"a","bytes":1,"sha256":"b"}', 2),
  ).toThrow(/object key/)
})

test('an export of the version before is read, and one of a later version is refused', () => {
  const first = (version: number) =>
    parseLine(JSON.stringify({ kind: 'lares-export', version, at: '2026-05-01T12:00:00.000Z' }), 1)
  expect([first(1), first(2), first(3)]).toMatchObject([{ version: 1 }, { version: 2 }, { version: 3 }])
  expect(() => first(4)).toThrow(/^line 1 is not of an export of Lares \(version 3\)/)
})

test('of a vector the direction is kept, to the last bit once it has length 1', () => {
  const raw = Float32Array.from({ length: 384 }, (_, n) => Math.sin(n * 7) * 3)
  const once = decodeVector(encodeVector(raw), 384)
  expect(Math.hypot(...once)).toBeCloseTo(1, 6)
  expect(decodeVector(encodeVector(once), 384)).toEqual(once)
  expect(() => decodeVector(encodeVector(raw), 383)).toThrow(/384 numbers instead of 383/)
})
