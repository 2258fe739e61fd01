import { setTimeout as wait } from 'node:timers/promises'
import { jitteredBackoffMs } from '../../shared/base/concurrency/backoff.ts'
import { createSemaphore } from '../../shared/base/concurrency/semaphore.ts'
import { LaresError, toLaresError } from '../../shared/base/errors.ts'
import type { Logger } from '../../shared/base/log.ts'
import type { Bus, BusRecord } from '../../shared/bus/bus.ts'
import { deliveryGroup } from '../../shared/contract/consumer-groups.ts'
import type { LaresEvent } from '../../shared/contract/events/event.ts'
import { resolveDataRef } from '../../shared/contract/events/event-log.ts'
import { eventFromRecord } from '../../shared/contract/events/kafka-binding.ts'
import type { Objects } from '../../shared/objects/objects.ts'
import type { UndeliveredReply } from '../../shared/operations/operations.ts'
import type { Records } from '../../shared/store/store.ts'
import { type Delivery, isForChannel, type OutboundChannel } from '../channels/channel.ts'
import { openDeliveryLedger } from './delivery-ledger.ts'
import { openOrderedConsumer } from './ordered-consumer.ts'

export const REPLY_TOPIC = 'lares.reply'

/** Concurrent sends of one channel; each conversation has one at most. */
const MAX_CONCURRENT_SENDS = 16
/** The dispatcher makes this many attempts even for a late reply, because the gateway itself may have been down. */
const MIN_ATTEMPTS = 3
const DEFAULT_GIVE_UP_AFTER_MS = 24 * 60 * 60_000
const MAX_RETRY_AFTER_MS = 60 * 60_000

export type DispatcherOptions = {
  bus: Bus
  records: Records
  /** The store with the data of large replies. */
  objects?: Objects | undefined
  log: Logger
  now?: () => number
  /**
   * The wait after the first failure, which doubles with each further one, and the longest wait. Default 1 s and 5 min.
   */
  baseBackoffMs?: number
  maxBackoffMs?: number
}

export type Dispatcher = {
  channel: string
  /**
   * Sends an undelivered reply again, unchanged and under its id. Clears its undelivered record when the channel
   * accepts it. Later replies have already been sent. Errors: `not_found` when no such reply is undelivered, or the log
   * no longer has it; those of `Channel.send`.
   */
  resend(reply: string): Promise<UndeliveredReply>
  close(): Promise<void>
}

/**
 * Delivers the replies of all conversations to a channel. Each conversation keeps its order, and conversations do not
 * wait for each other. All gateways share the work as one consumer group. The dispatcher records a delivered or
 * undelivered reply before it sends the next; `Channel` describes a crash in between. A new channel begins with the
 * replies after its first start.
 */
export function openDispatcher(channel: OutboundChannel, options: DispatcherOptions): Dispatcher {
  const { log, now = Date.now } = options
  const ledger = openDeliveryLedger(options.records, channel.name)
  const semaphore = createSemaphore(MAX_CONCURRENT_SENDS, Number.POSITIVE_INFINITY)
  const stop = new AbortController()
  const waitBeforeRetry = (tries: number, retryAfterMs = 0) =>
    wait(retryDelayMs(tries, retryAfterMs, options), undefined, stop)

  /**
   * The store's failures do not count against the channel: the dispatcher records a sent reply, however long that
   * takes.
   */
  const retryUntilStored = async <T>(work: () => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries++) {
      try {
        return await work()
      } catch (error) {
        log.warn({ channel: channel.name, err: error }, 'the dispatcher waits for the store')
        await waitBeforeRetry(tries)
      }
    }
  }
  const send = async (delivery: Delivery): Promise<void> => {
    const permit = await semaphore.acquire(stop.signal)
    try {
      await channel.send(delivery, delivery.address)
    } finally {
      semaphore.release(permit)
    }
  }
  /** Returns the reason when the reply is undeliverable. */
  const sendWithRetries = async (
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
        const isLate =
          now() - Date.parse(delivery.time) >= (channel.giveUpAfterMs ?? DEFAULT_GIVE_UP_AFTER_MS)
        if (!error.retryable || (isLate && tries >= MIN_ATTEMPTS)) return { reason: error.message, tries }
        await waitBeforeRetry(tries, error.retryAfterMs)
      }
    }
    return undefined
  }
  const deliver = async (record: BusRecord, isLost: () => boolean): Promise<void> => {
    const delivery = await retryUntilStored(() => parseDelivery(record, options))
    if (!delivery || !isForChannel(channel, delivery)) return
    if (await retryUntilStored(() => ledger.hasProcessed(delivery, record))) return
    const failure = await sendWithRetries(delivery, isLost)
    if (isLost()) return
    if (failure) {
      log.error({ channel: channel.name, reply: delivery.id, ...failure }, 'a reply was not delivered')
      const at = new Date(now()).toISOString()
      await retryUntilStored(() => ledger.markUndelivered(delivery, record, { ...failure, at }))
    }
    await retryUntilStored(() => ledger.markProcessed(delivery, record))
  }
  const start = async () => {
    const group = deliveryGroup(channel.name)
    await retryUntilStored(() => startAtEnd(options.bus, group))
    return await openOrderedConsumer(options.bus, {
      group,
      topic: REPLY_TOPIC,
      handle: deliver,
      signal: stop.signal,
      log,
    })
  }
  const started = start()
  started.catch(error => {
    if (!stop.signal.aborted) log.error({ channel: channel.name, err: error }, 'a dispatcher did not start')
  })
  return {
    channel: channel.name,
    async resend(reply) {
      const undelivered = await ledger.findUndelivered(reply)
      if (!undelivered)
        throw new LaresError('not_found', `no reply ${reply} was given up for ${channel.name}`)
      await send(await readUndelivered(undelivered, options))
      await ledger.clearUndelivered(reply)
      return undelivered
    },
    async close() {
      stop.abort()
      const [consumer] = await Promise.allSettled([started])
      if (consumer.status === 'fulfilled') await consumer.value.close()
    },
  }
}

/** Moves a new group to the end of the log: it would otherwise begin with all stored records. */
async function startAtEnd(bus: Bus, group: string): Promise<void> {
  const partitions = await bus.lag(group, [REPLY_TOPIC])
  if (partitions.length === 0 || partitions.some(({ committed }) => committed !== null)) return
  try {
    await bus.reset(group, REPLY_TOPIC, 'latest')
  } catch (error) {
    // Another gateway has already moved the group and reads.
    if (!(error instanceof LaresError) || error.code !== 'busy') throw error
  }
}

/** Reads an undelivered reply from its position on the log. */
async function readUndelivered(
  { id, partition, offset }: UndeliveredReply,
  options: DispatcherOptions,
): Promise<Delivery> {
  const [record] =
    partition === undefined || offset === undefined
      ? []
      : await options.bus.read(REPLY_TOPIC, { partition, from: { offset }, limit: 1 })
  const delivery = record && record.offset === offset ? await parseDelivery(record, options) : undefined
  if (delivery?.id !== id)
    throw new LaresError(
      'not_found',
      'the log no longer has this reply; it is in the history of its conversation',
    )
  return delivery
}

/** The reply in a record; undefined for a record without one. */
async function parseDelivery(
  record: BusRecord,
  { objects, log }: Pick<DispatcherOptions, 'objects' | 'log'>,
): Promise<Delivery | undefined> {
  if (record.erased) return undefined
  try {
    const parsed = eventFromRecord(record)
    const event = (
      objects ? await resolveDataRef(parsed, objects) : parsed
    ) as LaresEvent<'lares.reply.completed'>
    const { person, address, inReplyTo, answers, text, status } = event.data
    const { id, subject: conversation, time } = event
    return { id, conversation, time, person, address, inReplyTo, answers, text, status }
  } catch (error) {
    if (toLaresError(error).code === 'unavailable') throw error
    const { topic, partition, offset } = record
    log.error({ topic, partition, offset, err: error }, 'a record that is no reply was not delivered')
    return undefined
  }
}

function retryDelayMs(
  attempt: number,
  retryAfterMs: number,
  { baseBackoffMs = 1_000, maxBackoffMs = 300_000 }: DispatcherOptions,
): number {
  const backoff = { baseMs: baseBackoffMs, maxMs: maxBackoffMs }
  return Math.max(
    Math.min(retryAfterMs, MAX_RETRY_AFTER_MS),
    jitteredBackoffMs(attempt, backoff, Math.random),
  )
}
