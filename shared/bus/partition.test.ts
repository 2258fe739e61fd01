import { Partitioners } from 'kafkajs'
import { expect, test } from 'vitest'
import { murmur2, partitionOf } from './partition.ts'

// From UtilsTest.java of Apache Kafka.
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('the hash of "%s" is that of Kafka', (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash)
})

test('a key is on the partition where a Kafka client would put it', () => {
  const partitioner = Partitioners.DefaultPartitioner()
  const partitionMetadata = Array.from({ length: 6 }, (_, partitionId) => ({ partitionId, leader: 0 }))
  for (const key of [
    '',
    'a',
    '会話',
    '🙂',
    'web:1',
    'x'.repeat(1_001),
    ...Array.from({ length: 200 }, (_, n) => `c${n}`),
  ]) {
    const theirs = partitioner({ topic: 't', message: { key, value: null }, partitionMetadata } as never)
    expect(partitionOf(key, 6)).toBe(theirs)
  }
})
