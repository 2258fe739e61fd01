import { setTimeout as wait } from 'node:timers/promises'
import { type LaresError, toLaresError } from '../../../shared/base/errors.ts'
import type { Log } from '../../../shared/base/log.ts'
import type { BusRecord } from '../../../shared/bus/bus.ts'
import type { Making } from '../../../shared/contract/attempt-headers.ts'
import { notesOf } from '../../../shared/contract/attempt-headers.ts'
import type { LaresEvent } from '../../../shared/contract/events/event.ts'
import type { EventLog } from '../../../shared/contract/events/event-log.ts'
import { fromRecord } from '../../../shared/contract/events/kafka-binding.ts'
import type { Standing } from '../../../shared/operations/in-flight.ts'
import type { Invoker } from '../invokers/invoker.ts'
import type { ConnectorMetrics } from '../metrics.ts'
import { DEAD_LETTER, deadLetter } from './dead-letter.ts'
import type { Outcome } from './keyed-executor.ts'
import type { Published } from './last-published.ts'
import { openOutbox } from './ordered-batcher.ts'
import { nextTry, type RetryPolicy, type Tries } from './retry.ts'

/** What people see while it grows; all else that a function emits is published when it has ended. */
const STREAM = 'lares.stream.extended'
/** Streamed events that may be on their way to the bus before more are taken from the function. */
const MAX_UNPUBLISHED = 64

export type DeliveryParts = {
  function: string
  events: EventLog
  invoker: Invoker
  retry: RetryPolicy
  log: Log
  metrics?: ConnectorMetrics | undefined
  published: Published
  /** Aborted when the connector stops. */
  signal: AbortSignal
  now: () => number
  random: () => number
}

/**
 * A record on its way through its function: each call is one try, and never rejects. What the function emits is durable
 * before it is done. `standing` is kept true, for those who ask how far the record is.
 */
export function deliver(
  record: BusRecord,
  parts: DeliveryParts,
  standing: Standing = {},
): () => Promise<Outcome> {
  if (record.forgotten) return async () => 'done'
  const tries: Tries = { firstAtMs: parts.now(), failures: 0, away: 0 }
  let letter: LaresEvent | undefined
  const tryFunction = async (): Promise<Outcome> => {
    let event: LaresEvent | undefined
    const making = begin(standing, tries, parts.now())
    const startedAt = performance.now()
    const ended = (code?: string) =>
      parts.metrics?.tried(parts.function, record.topic, performance.now() - startedAt, code)
    try {
      event = fromRecord(record)
      await handle({ ...event, publishedid: parts.published.of(record.key) }, parts, making)
      parts.published.set(record.key, event.id)
      ended()
      return 'done'
    } catch (thrown) {
      const error = toLaresError(thrown)
      ended(error.code)
      const outcome = afterFailure(event, error, tries, parts)
      if (outcome !== 'last') return rest(standing, error, parts.now(), outcome)
      letter = deadLetter(record, event, error, tries, parts.function)
      return await bury(letter, parts)
    }
  }
  return () => (letter ? bury(letter, parts) : tryFunction())
}

function begin(standing: Standing, { failures, away }: Tries, startedAtMs: number): Making {
  standing.pickedAtMs ??= startedAtMs
  standing.try = failures + away + 1
  standing.runningSinceMs = startedAtMs
  return { pickedAtMs: standing.pickedAtMs, try: standing.try, startedAtMs }
}

function rest(standing: Standing, { code, message }: LaresError, nowMs: number, outcome: Outcome): Outcome {
  standing.runningSinceMs = undefined
  standing.error = { code, message }
  if (outcome !== 'done') standing.nextTryAtMs = nowMs + outcome.againInMs
  return outcome
}

async function handle(event: LaresEvent, parts: DeliveryParts, making: Making): Promise<void> {
  const outbox = openOutbox<LaresEvent>(events => publish(events, parts, notesOf(making, parts.now())))
  let held: LaresEvent[] = []
  try {
    for await (const emitted of parts.invoker.invoke(parts.function, event, parts.signal)) {
      held.push(emitted)
      if (emitted.type !== STREAM) continue
      outbox.add(held)
      held = []
      if (outbox.size() >= MAX_UNPUBLISHED) await outbox.settled()
    }
    outbox.add(held)
  } catch (error) {
    // What is on its way arrives before the next try, so that no old token comes after a new one.
    await outbox
      .settled()
      .catch(unsent => parts.log.debug({ err: unsent }, 'tokens of a failed try are lost'))
    throw error
  }
  await outbox.settled()
}

/** The function has done its work: when the bus is away, only the publishing is tried again, until it is back. */
async function publish(
  events: LaresEvent[],
  parts: DeliveryParts,
  notes?: Record<string, string>,
): Promise<void> {
  for (;;) {
    try {
      return await parts.events.publish(events, notes)
    } catch (thrown) {
      const error = toLaresError(thrown)
      if (!error.retryable) throw error
      parts.log.warn({ code: error.code, err: error }, 'the bus does not take events; trying again')
      await wait(parts.retry.baseMs, undefined, { signal: parts.signal })
    }
  }
}

function afterFailure(
  event: LaresEvent | undefined,
  error: LaresError,
  tries: Tries,
  parts: DeliveryParts,
): Outcome | 'last' {
  // Cut short, not failed: it stays uncommitted and comes again.
  if (parts.signal.aborted) return { againInMs: 0 }
  const next = nextTry(tries, error, parts.retry, parts.now(), parts.random)
  const fields = { event: event?.id, type: event?.type, code: error.code, tries: tries.failures + tries.away }
  // Read again, its record would be passed over too.
  if (error.code === 'forgotten') {
    parts.log.warn(fields, `an event of somebody who was forgotten is passed over: ${error.message}`)
    return 'done'
  }
  if (next !== 'last') {
    parts.metrics?.retried(parts.function, error.code)
    parts.log.debug({ ...fields, againInMs: Math.round(next) }, `a try failed: ${error.message}`)
    return { againInMs: next }
  }
  // What tells of a failure must not get lost by failing itself; it holds up only its own conversation.
  if (event?.type === DEAD_LETTER) {
    parts.log.error(fields, `a dead letter cannot be handled; trying on: ${error.message}`)
    return { againInMs: parts.retry.maxMs }
  }
  parts.log.error(fields, `an event has failed for good and goes to the dead letters: ${error.message}`)
  return 'last'
}

async function bury(letter: LaresEvent, parts: DeliveryParts): Promise<Outcome> {
  try {
    await publish([letter], parts)
    parts.metrics?.buried(parts.function)
    return 'done'
  } catch (error) {
    if (!parts.signal.aborted)
      parts.log.error(
        { event: letter.causationid, err: error },
        'a dead letter cannot be published; trying on',
      )
    return { againInMs: parts.retry.maxMs }
  }
}
