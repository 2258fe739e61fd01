import { setTimeout as wait } from 'node:timers/promises'
import { LaresError, toLaresError } from '../../shared/base/errors.ts'
import type { Log } from '../../shared/base/log.ts'
import { createSlots } from '../../shared/base/semaphore.ts'
import type { Bus, BusRecord } from '../../shared/bus/bus.ts'
import { deliveryGroup } from '../../shared/contract/consumer-groups.ts'
import type { LaresEvent } from '../../shared/contract/events/event.ts'
import { claim } from '../../shared/contract/events/event-log.ts'
import { fromRecord } from '../../shared/contract/events/kafka-binding.ts'
import type { Objects } from '../../shared/objects/objects.ts'
import type { Undelivered } from '../../shared/operations/operations.ts'
import type { Documents } from '../../shared/store/store.ts'
import type { Channel, Delivery } from '../channels/channel.ts'
import { openDelivered } from './delivery-ledger.ts'
import { readInOrder } from './ordered-consumer.ts'

export const REPLIES = 'lares.reply'

/** Sends of one channel at once: each conversation has one at most. */
const MAX_SENDING = 16
/** However late it is, a reply is tried this often: the gateway itself may have been away. */
const LEAST_TRIES = 3
const LONGEST_RETRY_AFTER_MS = 60 * 60_000

export type OutboxParts = {
  bus: Bus
  documents: Documents
  /** Where the data of large replies is. */
  objects?: Objects | undefined
  log: Log
  now?: () => number
  /** The wait after the first failure, which doubles with each, and the longest one. Default 1 s and 5 min. */
  baseMs?: number
  maxMs?: number
}

export type Outbox = {
  channel: string
  /**
   * Sends a reply that was given up once more, as it was and under its id, and forgets that it was given up when it is
   * taken. What was said after it has been sent already.
   * Errors: `not_found` when no such reply was given up, or the log no longer has it; those of `Channel.send`.
   */
  resend(reply: string): Promise<Undelivered>
  close(): Promise<void>
}

/**
 * Pushes the replies of all conversations to a channel, each conversation in its order, none waiting for another. All
 * gateways share the work as one consumer group. What was taken or given up is recorded before the next is sent; see
 * `Channel` for what a crash between may do. A channel that is new begins with the replies after its first start.
 */
export function openOutbox(channel: Channel, parts: OutboxParts): Outbox {
  const { log, now = Date.now } = parts
  const delivered = openDelivered(parts.documents, channel.name)
  const slots = createSlots(MAX_SENDING, Number.POSITIVE_INFINITY)
  const stop = new AbortController()
  const pause = (tries: number, askedMs = 0) => wait(backoff(tries, askedMs, parts), undefined, stop)

  /** The store's failures are not the channel's: what was sent is recorded, however long that takes. */
  const persist = async <T>(work: () => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries++) {
      try {
        return await work()
      } catch (error) {
        log.warn({ channel: channel.name, err: error }, 'the outbox waits for the store')
        await pause(tries)
      }
    }
  }
  const send = async (delivery: Delivery): Promise<void> => {
    const slot = await slots.take(stop.signal)
    try {
      await channel.send(delivery)
    } finally {
      slots.give(slot)
    }
  }
  /** Gives back why it was given up, if it was. */
  const sendUntilOver = async (
    delivery: Delivery,
    isLost: () => boolean,
  ): Promise<{ reason: string; tries: number } | undefined> => {
    for (let tries = 1; !isLost(); tries++) {
      try {
        await send(delivery)
        return undefined
      } catch (thrown) {
        if (stop.signal.aborted) throw thrown
        const error = toLaresError(thrown)
        const isLate = now() - Date.parse(delivery.time) >= channel.giveUpAfterMs
        if (!error.retryable || (isLate && tries >= LEAST_TRIES)) return { reason: error.message, tries }
        await pause(tries, error.retryAfterMs)
      }
    }
    return undefined
  }
  const deliver = async (record: BusRecord, isLost: () => boolean): Promise<void> => {
    const delivery = await persist(() => deliveryIn(record, parts))
    if (!delivery || (channel.person !== undefined && delivery.person !== channel.person)) return
    if (await persist(() => delivered.has(delivery, record))) return
    const failure = await sendUntilOver(delivery, isLost)
    if (isLost()) return
    if (failure) {
      log.error({ channel: channel.name, reply: delivery.id, ...failure }, 'a reply was not delivered')
      const at = new Date(now()).toISOString()
      await persist(() => delivered.giveUp(delivery, record, { ...failure, at }))
    }
    await persist(() => delivered.record(delivery, record))
  }
  const start = async () => {
    const group = deliveryGroup(channel.name)
    await persist(() => startAtEnd(parts.bus, group))
    return await readInOrder(parts.bus, { group, topic: REPLIES, handle: deliver, signal: stop.signal, log })
  }
  const started = start()
  started.catch(error => {
    if (!stop.signal.aborted) log.error({ channel: channel.name, err: error }, 'an outbox did not start')
  })
  return {
    channel: channel.name,
    async resend(reply) {
      const given = await delivered.givenUp(reply)
      if (!given) throw new LaresError('not_found', `no reply ${reply} was given up for ${channel.name}`)
      await send(await again(given, parts))
      await delivered.taken(reply)
      return given
    },
    async close() {
      stop.abort()
      const [reading] = await Promise.allSettled([started])
      if (reading.status === 'fulfilled') await reading.value.close()
    },
  }
}

/** A group that has never committed would begin with all that the log still holds. */
async function startAtEnd(bus: Bus, group: string): Promise<void> {
  const partitions = await bus.lag(group, [REPLIES])
  if (partitions.length === 0 || partitions.some(({ committed }) => committed !== null)) return
  try {
    await bus.reset(group, REPLIES, 'latest')
  } catch (error) {
    // Another gateway was quicker, and reads already.
    if (!(error instanceof LaresError) || error.code !== 'busy') throw error
  }
}

/** A reply that was given up, from where it lies on the log. */
async function again({ id, partition, offset }: Undelivered, parts: OutboxParts): Promise<Delivery> {
  const [record] =
    partition === undefined || offset === undefined
      ? []
      : await parts.bus.read(REPLIES, { partition, from: { offset }, limit: 1 })
  const delivery = record && record.offset === offset ? await deliveryIn(record, parts) : undefined
  if (delivery?.id !== id)
    throw new LaresError(
      'not_found',
      'the log no longer has this reply; it is in the history of its conversation',
    )
  return delivery
}

/** The reply in a record; undefined when there is none in it. */
async function deliveryIn(
  record: BusRecord,
  { objects, log }: Pick<OutboxParts, 'objects' | 'log'>,
): Promise<Delivery | undefined> {
  if (record.forgotten) return undefined
  try {
    const told = fromRecord(record)
    const event = (objects ? await claim(told, objects) : told) as LaresEvent<'lares.reply.completed'>
    const { person, inReplyTo, answers, text, status } = event.data
    const { id, subject: conversation, time } = event
    return { id, conversation, time, person, inReplyTo, answers, text, status }
  } catch (error) {
    if (toLaresError(error).code === 'unavailable') throw error
    const { topic, partition, offset } = record
    log.error({ topic, partition, offset, err: error }, 'a record that is no reply was not delivered')
    return undefined
  }
}

/** Half fixed, half random (equal jitter). */
function backoff(tries: number, askedMs: number, { baseMs = 1_000, maxMs = 300_000 }: OutboxParts): number {
  const ms = Math.min(baseMs * 2 ** Math.min(tries - 1, 20), maxMs)
  return Math.max(Math.min(askedMs, LONGEST_RETRY_AFTER_MS), ms / 2 + (ms / 2) * Math.random())
}
