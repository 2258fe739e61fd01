import { setTimeout as wait } from 'node:timers/promises'
import { LaresError, toLaresError } from '../../base/errors.ts'
import type { BusMessage } from '../bus.ts'
import { checkRecordSize, MAX_RECORD_BYTES } from '../message.ts'
import { partitionOf } from '../partition.ts'
import { type KafkaClient, type PartitionedMessage, RETRY_DELAY_MS, topicPartitionId } from './client.ts'
import type { TopicRegistry } from './topics.ts'

/** After this no new try is made; the last one may take a request's limit more. */
const PUBLISH_TIMEOUT_MS = 6_000
const MAX_REQUEST_BYTES = 16 * 1024 * 1024
const MAX_REQUEST_RECORDS = 10_000

type PublishCall = {
  left: number
  resolve(): void
  reject(error: unknown): void
  failed: boolean
  untilMs: number
}
type QueuedMessage = { message: BusMessage; bytes: number; call: PublishCall }
type PartitionedEntry = QueuedMessage & { partitioned: PartitionedMessage }

/**
 * Writes in the order of the calls, one request at a time: what is published in one turn of the event loop goes together,
 * and what comes while a request is under way goes with the next. A retried request lets nothing overtake it.
 */
export function openPublisher(client: KafkaClient, topics: TopicRegistry) {
  let queue: QueuedMessage[] = []
  let sending = false
  let closeError: LaresError | undefined

  const resolveCalls = (entries: QueuedMessage[]): void => {
    for (const { call } of entries) if (--call.left === 0 && !call.failed) call.resolve()
  }
  const rejectCalls = (entries: QueuedMessage[], error: LaresError): void => {
    for (const { call } of entries) {
      if (!call.failed) call.reject(error)
      call.failed = true
    }
    // What is left of a failed call is not sent: publishing it again would put it after what followed it.
    queue = queue.filter(({ call }) => !call.failed)
  }
  const sendAll = async (): Promise<void> => {
    while (queue.length > 0) {
      const batch = await placed()
      if (batch.length === 0) continue
      try {
        await client.produce(batch.map(({ partitioned }) => partitioned))
        queue = queue.slice(batch.length)
        resolveCalls(batch)
      } catch (thrown) {
        await afterFailure(batch, toLaresError(thrown))
      }
    }
    sending = false
  }
  /** The first of the queue that fit in a request, with their partitions. Those of unknown topics are refused. */
  const placed = async (): Promise<PartitionedEntry[]> => {
    const waiting = queue.slice(0, MAX_REQUEST_RECORDS)
    try {
      const counts = await topics.partitions(new Set(waiting.map(({ message }) => message.topic)))
      const unknown = waiting.filter(({ message }) => !counts.has(message.topic))
      for (const [topic, list] of Map.groupBy(unknown, ({ message }) => message.topic))
        rejectCalls(list, unknownTopicError(topic))
      return unknown.length > 0 ? [] : fitIntoRequest(waiting, counts)
    } catch (thrown) {
      await afterFailure(waiting, toLaresError(thrown))
      return []
    }
  }
  const afterFailure = async (batch: QueuedMessage[], error: LaresError): Promise<void> => {
    const isOver = ({ call }: QueuedMessage) => !error.retryable || performance.now() >= call.untilMs
    rejectCalls(batch.filter(isOver), closeError ?? error)
    if (error.code === 'not_found') topics.forget()
    else if (queue.length > 0) await wait(RETRY_DELAY_MS)
  }

  return {
    /** Errors: `too_large`, before anything is queued; `unavailable`, `not_found`. */
    async publish(messages: BusMessage[]): Promise<void> {
      if (messages.length === 0) return
      const sized = messages.map(message => ({ message, bytes: checkRecordSize(message) }))
      await new Promise<void>((resolve, reject) => {
        const untilMs = performance.now() + PUBLISH_TIMEOUT_MS
        const call = { left: messages.length, resolve, reject, failed: false, untilMs }
        for (const one of sized) queue.push({ ...one, call })
        if (sending) return
        sending = true
        // After the promises that are settled by now, so that the calls which follow from one batch of records go together.
        process.nextTick(() => void sendAll())
      })
    },
    /** What waits is given up with this error. */
    close(error: LaresError): void {
      closeError = error
      rejectCalls(queue, error)
    },
  }
}

/** As many as neither the request nor any partition's part of it, which is one batch there, takes too much of. */
function fitIntoRequest(waiting: QueuedMessage[], counts: ReadonlyMap<string, number>): PartitionedEntry[] {
  const fitting: PartitionedEntry[] = []
  const perPartition = new Map<string, number>()
  let total = 0
  for (const { message, bytes, call } of waiting) {
    const placed = { ...message, partition: partitionOf(message.key, counts.get(message.topic)!) }
    const sum = (perPartition.get(topicPartitionId(placed)) ?? 0) + bytes
    total += bytes
    if (fitting.length > 0 && (sum > MAX_RECORD_BYTES || total > MAX_REQUEST_BYTES)) break
    perPartition.set(topicPartitionId(placed), sum)
    fitting.push({ message, bytes, call, partitioned: placed })
  }
  return fitting
}

export const unknownTopicError = (topic: string): LaresError =>
  new LaresError('not_found', `the bus has no topic "${topic}": call ensureTopics first`)
