import { LaresError } from '../../base/errors.ts'
import type { BusRecord, Position, ReadOptions } from '../bus.ts'
import { idOf, type KafkaClient } from './client.ts'

const DEFAULT_LIMIT = 1_000
const TIME_LIMIT_MS = 30_000

/** Reads the stored records of an existing topic, oldest first, up to the end that it has now. */
export async function readStored(
  client: KafkaClient,
  topic: string,
  options: ReadOptions,
): Promise<BusRecord[]> {
  const { partition, from, limit = DEFAULT_LIMIT } = options
  const [starts, ends] = await Promise.all([
    client.offsets(topic, from !== undefined && 'timeMs' in from ? from : 'earliest'),
    client.offsets(topic, 'latest'),
  ])
  const spans = ends
    .map((end, at) => {
      const first = from !== undefined && 'offset' in from ? Math.max(from.offset, starts[at]!) : starts[at]!
      return { topic, partition: at, offset: first, end }
    })
    .filter(span => (partition === undefined || span.partition === partition) && span.offset < span.end)
  return spans.length === 0 ? [] : await collect(client, spans, limit)
}

async function collect(
  client: KafkaClient,
  spans: (Position & { end: number })[],
  limit: number,
): Promise<BusRecord[]> {
  const wanted = new Map(spans.map(span => [idOf(span), { ...span, left: limit }]))
  const found: BusRecord[] = []
  const done = Promise.withResolvers<void>()
  const follower = client.follow({
    onRecords(records) {
      for (const record of records) {
        const span = wanted.get(idOf(record))
        if (span === undefined) continue
        if (record.offset < span.end) {
          found.push(record)
          span.left--
        }
        if (span.left === 0 || record.offset >= span.end - 1) wanted.delete(idOf(record))
      }
      if (wanted.size === 0) done.resolve()
    },
    onError: done.reject,
  })
  const timeLimit = setTimeout(
    () =>
      done.reject(new LaresError('unavailable', `Kafka did not bring all of "${spans[0]!.topic}" in time`)),
    TIME_LIMIT_MS,
  )
  try {
    follower.add(spans)
    await done.promise
  } finally {
    clearTimeout(timeLimit)
    await follower.close()
  }
  return found.sort((a, b) => a.timestampMs - b.timestampMs)
}
