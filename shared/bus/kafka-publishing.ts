import { setTimeout as wait } from 'node:timers/promises'
import { LaresError, toLaresError } from '../errors.ts'
import type { BusMessage } from './bus.ts'
import { type KafkaClient, type PlacedMessage, RETRY_MS } from './kafka-client.ts'
import type { KafkaTopics } from './kafka-topics.ts'
import { MAX_RECORD_BYTES, weigh } from './message.ts'
import { partitionOf } from './partition.ts'

/** After this no new try is made; the last one may take a request's limit more. */
const GIVE_UP_AFTER_MS = 6_000
const MAX_REQUEST_BYTES = 16 * 1024 * 1024

type Call = { left: number; resolve(): void; reject(error: unknown): void; failed: boolean; untilMs: number }
type Waiting = { message: BusMessage; bytes: number; call: Call }

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
  const placed = async () => {
    const batch = firstThatFit(queue)
    try {
      const counts = await topics.partitions(new Set(batch.map(({ message }) => message.topic)))
      const lost = batch.filter(({ message }) => !counts.has(message.topic))
      for (const topic of new Set(lost.map(({ message }) => message.topic)))
        fail(
          lost.filter(({ message }) => message.topic === topic),
          unknownTopic(topic),
        )
      if (lost.length > 0) return []
      return batch.map(waiting => ({ ...waiting, placed: place(waiting.message, counts) }))
    } catch (thrown) {
      await afterFailure(batch, toLaresError(thrown))
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
    async publish(messages: BusMessage[]): Promise<void> {
      if (messages.length === 0) return
      await new Promise<void>((resolve, reject) => {
        const untilMs = performance.now() + GIVE_UP_AFTER_MS
        const call = { left: messages.length, resolve, reject, failed: false, untilMs }
        for (const message of messages) queue.push({ message, bytes: weigh(message), call })
        if (sending) return
        sending = true
        // After the microtasks and callbacks of this turn, so that all its calls are there.
        setImmediate(() => void sendAll())
      })
    },
    /** What waits is given up with this error. */
    close(error: LaresError): void {
      closed = error
      fail(queue, error)
    },
  }
}

function firstThatFit(queue: Waiting[]): Waiting[] {
  const perKey = new Map<string, number>()
  let total = 0
  const end = queue.findIndex(({ message, bytes }, index) => {
    const place = `${message.topic}/${message.key}`
    const sum = (perKey.get(place) ?? 0) + bytes
    perKey.set(place, sum)
    total += bytes
    return index > 0 && (sum > MAX_RECORD_BYTES || total > MAX_REQUEST_BYTES)
  })
  return end < 0 ? queue.slice() : queue.slice(0, end)
}

const place = (message: BusMessage, counts: ReadonlyMap<string, number>): PlacedMessage => ({
  ...message,
  partition: partitionOf(message.key, counts.get(message.topic)!),
})

export const unknownTopic = (topic: string): LaresError =>
  new LaresError('not_found', `the bus has no topic "${topic}": call ensureTopics first`)
