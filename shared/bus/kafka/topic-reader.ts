import { LaresError } from '../../base/errors.ts'
import type { BusRecord, Position, ReadOptions } from '../bus.ts'
import { type KafkaClient, topicPartitionId } from './client.ts'

const DEFAULT_LIMIT = 1_000
const READ_TIMEOUT_MS = 30_000

/** Reads the stored records of an existing topic, oldest first, up to the end that the topic has now. */
export async function readRecords(
  client: KafkaClient,
  topic: string,
  options: ReadOptions,
): Promise<BusRecord[]> {
  const { partition, from, limit = DEFAULT_LIMIT } = options
  const [starts, ends] = await Promise.all([
    client.listOffsets(topic, from !== undefined && 'timeMs' in from ? from : 'earliest'),
    client.listOffsets(topic, 'latest'),
  ])
  const spans = ends
    .map((end, at) => {
      const first = from !== undefined && 'offset' in from ? Math.max(from.offset, starts[at]!) : starts[at]!
      return { topic, partition: at, offset: first, end }
    })
    .filter(span => (partition === undefined || span.partition === partition) && span.offset < span.end)
  return spans.length === 0 ? [] : await collectRecords(client, spans, limit)
}

async function collectRecords(
  client: KafkaClient,
  spans: (Position & { end: number })[],
  limit: number,
): Promise<BusRecord[]> {
  const openRanges = new Map(spans.map(span => [topicPartitionId(span), { ...span, left: limit }]))
  const found: BusRecord[] = []
  const done = Promise.withResolvers<void>()
  const consumer = client.openStandaloneConsumer({
    onRecords(records) {
      for (const record of records) {
        const span = openRanges.get(topicPartitionId(record))
        if (span === undefined) continue
        if (record.offset < span.end) {
          found.push(record)
          span.left--
        }
        if (span.left === 0 || record.offset >= span.end - 1) openRanges.delete(topicPartitionId(record))
      }
      if (openRanges.size === 0) done.resolve()
    },
    onError: done.reject,
  })
  const timeout = setTimeout(
    () =>
      done.reject(new LaresError('unavailable', `Kafka did not bring all of "${spans[0]!.topic}" in time`)),
    READ_TIMEOUT_MS,
  )
  try {
    consumer.assign(spans)
    await done.promise
  } finally {
    clearTimeout(timeout)
    await consumer.close()
  }
  return found.sort((a, b) => a.timestampMs - b.timestampMs)
}
