import { setTimeout as wait } from 'node:timers/promises'
import { LaresError, toLaresError } from '../../base/errors.ts'
import type { BusMessage } from '../bus.ts'
import { checkRecordSize, MAX_RECORD_BYTES } from '../message.ts'
import { partitionOf } from '../partition.ts'
import { type KafkaClient, type PartitionedMessage, RETRY_DELAY_MS, topicPartitionId } from './client.ts'
import type { TopicRegistry } from './topics.ts'

/** The publisher starts no new attempt after this time. The last attempt may take one request timeout longer. */
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
 * Writes messages in the order of the calls, one request at a time. The messages of one turn of the event loop go
 * together. Messages that arrive during a request go with the next one. No message overtakes a retried request.
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
    // The publisher does not send the rest of a failed call: publishing it again would put it after later messages.
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
  /**
   * The first messages of the queue that fit in a request, with their partitions. Refuses messages of unknown topics.
   */
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
        // Runs after the promises that are already settled, so that the calls that follow from one batch of records go
        // together.
        process.nextTick(() => void sendAll())
      })
    },
    /** Rejects all queued calls with this error. */
    close(error: LaresError): void {
      closeError = error
      rejectCalls(queue, error)
    },
  }
}

/** Takes messages until the request, or one partition's batch within it, would become too large. */
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
