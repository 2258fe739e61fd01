import type { Consumer } from '@platformatic/kafka'
import { expect, test, vi } from 'vitest'
import { DEFAULT_KAFKA_SETTINGS } from './client.ts'
import { openFetcher } from './platformatic-fetcher.ts'

const ID = '01a2201f-be6d-7486-87b8-4162d5a13a34'

/** A broker that answers a fetch when the test says so, with all its records from the requested offset on. */
function fakeConsumer(offsets: number[]) {
  const fetches: { from: number; answer(): void }[] = []
  const consumer = {
    topics: { current: ['messages'] },
    clearMetadata: () => undefined,
    metadata: async () => ({ topics: new Map([['messages', { id: ID, partitions: [{ leader: 1 }] }]]) }),
    fetch: ({ topics }: { topics: { partitions: { fetchOffset: bigint }[] }[] }) =>
      new Promise(resolve => {
        const from = Number(topics[0]!.partitions[0]!.fetchOffset)
        const answer = () => {
          const records = offsets.filter(offset => offset >= from).map(batchOf)
          resolve({ responses: [{ topicId: ID, partitions: [{ partitionIndex: 0, records }] }] })
        }
        fetches.push({ from, answer })
      }),
  }
  return { asked: fetches, consumer: consumer as unknown as Consumer }
}

const batchOf = (offset: number) => ({
  firstOffset: BigInt(offset),
  lastOffsetDelta: 0,
  attributes: 0,
  firstTimestamp: 0n,
  maxTimestamp: 0n,
  records: [{ offsetDelta: 0, timestampDelta: 0n, key: null, value: null, headers: [] }],
})

const PARTITION = { topic: 'messages', partition: 0 }

test('a partition that was lost and comes back is read from its new place, whatever was under way', async () => {
  const offsets = [3, 4]
  const { asked, consumer } = fakeConsumer(offsets)
  const read: number[] = []
  const fetching = openFetcher(
    consumer,
    { ...DEFAULT_KAFKA_SETTINGS, brokers: [] },
    {
      onRecords: records => read.push(...records.map(({ offset }) => offset)),
      onError: error => expect.unreachable(String(error)),
    },
  )
  fetching.add([{ ...PARTITION, offset: 5 }])
  await vi.waitFor(() => expect(asked.map(({ from }) => from)).toEqual([5]))
  // A rebalance: the last records read are not committed, so the broker delivers them again.
  fetching.remove([PARTITION])
  fetching.add([{ ...PARTITION, offset: 3 }])
  offsets.push(5)
  asked[0]!.answer()
  await vi.waitFor(() => expect(asked.map(({ from }) => from)).toEqual([5, 3]))
  expect(read).toEqual([])
  asked[1]!.answer()
  await vi.waitFor(() => expect(read).toEqual([3, 4, 5]))
  await fetching.close()
})
