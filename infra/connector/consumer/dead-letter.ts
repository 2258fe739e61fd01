import { authorStackOf, type LaresError } from '../../../shared/base/errors.ts'
import type { BusRecord } from '../../../shared/bus/bus.ts'
import {
  createCausedEvent,
  createRootEvent,
  type EventDraft,
  type LaresEvent,
} from '../../../shared/contract/events/event.ts'
import { derivedId } from '../../../shared/contract/events/ids.ts'
import type { Attempts } from './retry.ts'

export const DEAD_LETTER_TYPE = 'lares.deadletter.recorded'
const CONNECTOR_SOURCE = '/lares/connector'

/**
 * A dead letter for a record that its function could not handle. It holds the unchanged event, or the record's bytes
 * when they are not an event.
 */
export function createDeadLetter(
  record: BusRecord,
  event: LaresEvent | undefined,
  error: LaresError,
  attempts: Attempts,
  functionName: string,
): LaresEvent {
  const { topic, partition, offset } = record
  const stack = authorStackOf(error)
  // The record's position is part of the id: a retried event that fails again makes another dead letter.
  const producer = `connector/${functionName}/${topic}/${partition}/${offset}`
  const data = {
    function: functionName,
    error: { code: error.code, message: error.message, ...(stack !== undefined && { stack }) },
    tries: Math.max(1, attempts.failures + attempts.unreachable),
    firstTriedAt: new Date(attempts.receivedAtMs).toISOString(),
    topic,
    partition,
    offset,
  }
  if (event) {
    const draft = { type: DEAD_LETTER_TYPE, data: { ...data, event: { ...event } } } as EventDraft
    return {
      ...createCausedEvent(draft, { function: producer, cause: event, index: 0 }),
      source: CONNECTOR_SOURCE,
    }
  }
  return createRootEvent({
    id: derivedId(`${topic}/${partition}/${offset}`, producer, 0),
    source: CONNECTOR_SOURCE,
    type: DEAD_LETTER_TYPE,
    conversation: toConversationId(record.key),
    data: { ...data, headers: record.headers, raw: record.value.toString('base64') },
  })
}

/**
 * Makes a key valid for an event. An invalid key would make the dead letter unreadable, and so cause dead letters
 * without end.
 */
function toConversationId(key: string): string {
  const clean = key.toWellFormed().replace(/\p{Cc}/gu, '\ufffd')
  return clean.slice(0, 255).toWellFormed() || 'unknown'
}
