import { setTimeout as wait } from 'node:timers/promises'
import { type LaresError, toLaresError } from '../../../shared/base/errors.ts'
import type { Logger } from '../../../shared/base/log.ts'
import type { BusRecord } from '../../../shared/bus/bus.ts'
import type { TaskOutcome } from '../../../shared/bus/consumer/keyed-executor.ts'
import type { Attempt } from '../../../shared/contract/attempt-headers.ts'
import { attemptHeaders } from '../../../shared/contract/attempt-headers.ts'
import type { LaresEvent } from '../../../shared/contract/events/event.ts'
import type { EventLog } from '../../../shared/contract/events/event-log.ts'
import { eventFromRecord } from '../../../shared/contract/events/kafka-binding.ts'
import type { RetryPolicy } from '../../../shared/contract/retry-policy.ts'
import type { InFlight } from '../../../shared/operations/in-flight.ts'
import type { Invoker } from '../invokers/invoker.ts'
import type { ConnectorMetrics } from '../metrics.ts'
import { createDeadLetter, DEAD_LETTER_TYPE } from './dead-letter.ts'
import type { LastPublished } from './last-published.ts'
import { openOrderedBatcher } from './ordered-batcher.ts'
import { type Attempts, recordFailure } from './retry.ts'

/** People see these events while the function works. The connector publishes all others when the function has ended. */
const STREAM_TYPE = 'lares.stream.extended'
/** The largest number of unpublished streamed events. Beyond it, the connector takes no more from the function. */
const MAX_UNPUBLISHED = 64

export type DeliveryDependencies = {
  function: string
  events: EventLog
  invoker: Invoker
  /** The function's own policy. Its manifest may change the policy while the worker runs. */
  retry(): RetryPolicy
  log: Logger
  metrics?: ConnectorMetrics | undefined
  published: LastPublished
  /** Aborted when the connector stops. */
  signal: AbortSignal
  now: () => number
  random: () => number
}

/**
 * Delivers a record to its function. Each call is one attempt and never rejects. The emitted events are durable before
 * the task is done. The task keeps `inFlight` up to date for status requests.
 */
export function createDeliveryTask(
  record: BusRecord,
  dependencies: DeliveryDependencies,
  inFlight: InFlight = {},
): () => Promise<TaskOutcome> {
  if (record.erased) return async () => 'done'
  const attempts: Attempts = { receivedAtMs: dependencies.now(), failures: 0, unreachable: 0 }
  let deadLetterEvent: LaresEvent | undefined
  const runAttempt = async (): Promise<TaskOutcome> => {
    let event: LaresEvent | undefined
    const attempt = startAttempt(inFlight, attempts, dependencies.now())
    const startedAt = performance.now()
    const recordDuration = (code?: string) =>
      dependencies.metrics?.attempted(
        dependencies.function,
        record.topic,
        performance.now() - startedAt,
        code,
      )
    try {
      event = eventFromRecord(record)
      await invokeAndPublish(
        { ...event, publishedid: dependencies.published.get(record.key) },
        dependencies,
        attempt,
      )
      dependencies.published.set(record.key, event.id)
      recordDuration()
      return 'done'
    } catch (thrown) {
      const error = toLaresError(thrown)
      recordDuration(error.code)
      const outcome = outcomeAfterFailure(event, error, attempts, dependencies)
      if (outcome !== 'last') return recordRetry(inFlight, error, dependencies.now(), outcome)
      deadLetterEvent = createDeadLetter(record, event, error, attempts, dependencies.function)
      return await publishDeadLetter(deadLetterEvent, dependencies)
    }
  }
  return () => (deadLetterEvent ? publishDeadLetter(deadLetterEvent, dependencies) : runAttempt())
}

function startAttempt(inFlight: InFlight, { failures, unreachable }: Attempts, startedAtMs: number): Attempt {
  inFlight.pickedAtMs ??= startedAtMs
  inFlight.try = failures + unreachable + 1
  inFlight.runningSinceMs = startedAtMs
  return { pickedAtMs: inFlight.pickedAtMs, try: inFlight.try, startedAtMs }
}

function recordRetry(
  inFlight: InFlight,
  { code, message }: LaresError,
  nowMs: number,
  outcome: TaskOutcome,
): TaskOutcome {
  inFlight.runningSinceMs = undefined
  inFlight.error = { code, message }
  if (outcome !== 'done') inFlight.nextTryAtMs = nowMs + outcome.retryInMs
  return outcome
}

async function invokeAndPublish(
  event: LaresEvent,
  dependencies: DeliveryDependencies,
  attempt: Attempt,
): Promise<void> {
  const batcher = openOrderedBatcher<LaresEvent>(events =>
    publishUntilAccepted(events, dependencies, attemptHeaders(attempt, dependencies.now())),
  )
  let unpublished: LaresEvent[] = []
  try {
    for await (const emitted of dependencies.invoker.invoke(
      dependencies.function,
      event,
      dependencies.signal,
    )) {
      unpublished.push(emitted)
      if (emitted.type !== STREAM_TYPE) continue
      batcher.add(unpublished)
      unpublished = []
      if (batcher.size() >= MAX_UNPUBLISHED) await batcher.settled()
    }
    batcher.add(unpublished)
  } catch (error) {
    // Wait until unpublished events are on the bus before the next attempt, so that no old token follows a new one.
    await batcher
      .settled()
      .catch(unsent => dependencies.log.debug({ err: unsent }, 'tokens of a failed try are lost'))
    throw error
  }
  await batcher.settled()
}

/** The function has finished: while the bus is unreachable, the connector retries only the publishing. */
async function publishUntilAccepted(
  events: LaresEvent[],
  dependencies: DeliveryDependencies,
  headers?: Record<string, string>,
): Promise<void> {
  for (;;) {
    try {
      return await dependencies.events.publish(events, headers)
    } catch (thrown) {
      const error = toLaresError(thrown)
      if (!error.retryable) throw error
      dependencies.log.warn({ code: error.code, err: error }, 'the bus does not take events; trying again')
      await wait(dependencies.retry().baseDelayMs, undefined, { signal: dependencies.signal })
    }
  }
}

function outcomeAfterFailure(
  event: LaresEvent | undefined,
  error: LaresError,
  attempts: Attempts,
  dependencies: DeliveryDependencies,
): TaskOutcome | 'last' {
  // The attempt was interrupted and did not fail: the record stays uncommitted, and a reader gets it again.
  if (dependencies.signal.aborted) return { retryInMs: 0 }
  const next = recordFailure(attempts, error, dependencies.retry(), dependencies.now(), dependencies.random)
  const fields = {
    event: event?.id,
    type: event?.type,
    code: error.code,
    tries: attempts.failures + attempts.unreachable,
  }
  // Mark it as done: another read of this record would skip it too.
  if (error.code === 'forgotten') {
    dependencies.log.warn(fields, `an event of somebody who was forgotten is passed over: ${error.message}`)
    return 'done'
  }
  if (next !== 'last') {
    dependencies.metrics?.retried(dependencies.function, error.code)
    dependencies.log.debug({ ...fields, retryInMs: Math.round(next) }, `a try failed: ${error.message}`)
    return { retryInMs: next }
  }
  // A dead letter that fails must not get lost, so the connector retries it. It blocks only its own conversation.
  if (event?.type === DEAD_LETTER_TYPE) {
    dependencies.log.error(fields, `a dead letter cannot be handled; trying on: ${error.message}`)
    return { retryInMs: dependencies.retry().maxDelayMs }
  }
  dependencies.log.error(
    fields,
    `an event has failed for good and goes to the dead letters: ${error.message}`,
  )
  return 'last'
}

async function publishDeadLetter(
  deadLetterEvent: LaresEvent,
  dependencies: DeliveryDependencies,
): Promise<TaskOutcome> {
  try {
    await publishUntilAccepted([deadLetterEvent], dependencies)
    dependencies.metrics?.deadLettered(dependencies.function)
    return 'done'
  } catch (error) {
    if (!dependencies.signal.aborted)
      dependencies.log.error(
        { event: deadLetterEvent.causationid, err: error },
        'a dead letter cannot be published; trying on',
      )
    return { retryInMs: dependencies.retry().maxDelayMs }
  }
}
