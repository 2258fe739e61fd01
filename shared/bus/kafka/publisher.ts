import { setTimeout as wait } from 'node:timers/promises'
import { LaresError, toLaresError } from '../../base/errors.ts'
import type { BusMessage } from '../bus.ts'
import { checkSize, MAX_RECORD_BYTES } from '../message.ts'
import { partitionOf } from '../partition.ts'
import { idOf, type KafkaClient, type PlacedMessage, RETRY_MS } from './client.ts'
import type { KafkaTopics } from './topics.ts'

/** After this no new try is made; the last one may take a request's limit more. */
const GIVE_UP_AFTER_MS = 6_000
const MAX_REQUEST_BYTES = 16 * 1024 * 1024
const MAX_REQUEST_RECORDS = 10_000

type Call = { left: number; resolve(): void; reject(error: unknown): void; failed: boolean; untilMs: number }
type Waiting = { message: BusMessage; bytes: number; call: Call }
type Placed = Waiting & { placed: PlacedMessage }

/**
 * Writes in the order of the calls, one request at a time: what is published in one turn of the event loop goes together,
 * and what comes while a request is under way goes with the next. A retried request lets nothing overtake it.
 */
export function openPublishing(client: KafkaClient, topics: KafkaTopics) {
  let queue: Waiting[] = []
  let sending = false
  let closed: LaresError | undefined

  const settle = (entries: Waiting[]): void => {
    for (const { call } of entries) if (--call.left === 0 && !call.failed) call.resolve()
  }
  const fail = (entries: Waiting[], error: LaresError): void => {
    for (const { call } of entries) {
      if (!call.failed) call.reject(error)
      call.failed = true
    }
    // What is left of a failed call is not sent: publishing it again would put it after what followed it.
    queue = queue.filter(({ call }) => !call.failed)
  }
  const sendAll = async (): Promise<void> => {
    while (queue.length > 0) {
      const known = await placed()
      if (known.length === 0) continue
      try {
        await client.produce(known.map(({ placed }) => placed))
        queue = queue.slice(known.length)
        settle(known)
      } catch (thrown) {
        await afterFailure(known, toLaresError(thrown))
      }
    }
    sending = false
  }
  /** The first of the queue that fit in a request, with their partitions. Those of unknown topics are refused. */
  const placed = async (): Promise<Placed[]> => {
    const waiting = queue.slice(0, MAX_REQUEST_RECORDS)
    try {
      const counts = await topics.partitions(new Set(waiting.map(({ message }) => message.topic)))
      const lost = waiting.filter(({ message }) => !counts.has(message.topic))
      for (const [topic, list] of Map.groupBy(lost, ({ message }) => message.topic))
        fail(list, unknownTopic(topic))
      return lost.length > 0 ? [] : firstThatFit(waiting, counts)
    } catch (thrown) {
      await afterFailure(waiting, toLaresError(thrown))
      return []
    }
  }
  const afterFailure = async (batch: Waiting[], error: LaresError): Promise<void> => {
    const isOver = ({ call }: Waiting) => !error.retryable || performance.now() >= call.untilMs
    fail(batch.filter(isOver), closed ?? error)
    if (error.code === 'not_found') topics.forget()
    else if (queue.length > 0) await wait(RETRY_MS)
  }

  return {
    /** Errors: `too_large`, before anything is queued; `unavailable`, `not_found`. */
    async publish(messages: BusMessage[]): Promise<void> {
      if (messages.length === 0) return
      const weighed = messages.map(message => ({ message, bytes: checkSize(message) }))
      await new Promise<void>((resolve, reject) => {
        const untilMs = performance.now() + GIVE_UP_AFTER_MS
        const call = { left: messages.length, resolve, reject, failed: false, untilMs }
        for (const one of weighed) queue.push({ ...one, call })
        if (sending) return
        sending = true
        // After the promises that are settled by now, so that the calls which follow from one batch of records go together.
        process.nextTick(() => void sendAll())
      })
    },
    /** What waits is given up with this error. */
    close(error: LaresError): void {
      closed = error
      fail(queue, error)
    },
  }
}

/** As many as neither the request nor any partition's part of it, which is one batch there, takes too much of. */
function firstThatFit(waiting: Waiting[], counts: ReadonlyMap<string, number>): Placed[] {
  const fitting: Placed[] = []
  const perPartition = new Map<string, number>()
  let total = 0
  for (const { message, bytes, call } of waiting) {
    const placed = { ...message, partition: partitionOf(message.key, counts.get(message.topic)!) }
    const sum = (perPartition.get(idOf(placed)) ?? 0) + bytes
    total += bytes
    if (fitting.length > 0 && (sum > MAX_RECORD_BYTES || total > MAX_REQUEST_BYTES)) break
    perPartition.set(idOf(placed), sum)
    fitting.push({ message, bytes, call, placed })
  }
  return fitting
}

export const unknownTopic = (topic: string): LaresError =>
  new LaresError('not_found', `the bus has no topic "${topic}": call ensureTopics first`)
