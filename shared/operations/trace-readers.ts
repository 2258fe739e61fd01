import type { LaresEvent } from '../contract/events/event.ts'
import type { InFlightRecord } from './in-flight.ts'
import { type EntryIndex, type EventEntry, type TraceData, toIsoTime } from './trace-model.ts'
import type { TracedReader } from './trace-types.ts'

/** The progress of each function that reads the event's topic. */
export function readersOf(entry: EventEntry, index: EntryIndex, data: TraceData): TracedReader[] {
  const { topic } = entry.copies[0]!.record
  return data.deployed
    .filter(({ topics }) => topics.includes(topic))
    .map(({ name }) => ({ function: name, ...stateOf(name, entry, index, data) }))
}

type ReaderState = Omit<TracedReader, 'function'>

/**
 * The connector's knowledge of an attempt comes first. Emitted events show that the work is done: the connector
 * publishes them at the end (except for pieces of a stream). A committed offset behind the event's last record shows it
 * too.
 */
function stateOf(name: string, entry: EventEntry, index: EntryIndex, data: TraceData): ReaderState {
  const { topic, offset, timestampMs } = entry.copies.at(-1)!.record
  const inFlight = inFlightRecordOf(name, entry, data.inFlight)
  if (inFlight) return inFlightState(inFlight, timestampMs)
  if (causedEntries(entry, index).some(({ event }) => isEmittedBy(event, name))) return { state: 'done' }
  const deadLetter = deadLetterOf(name, entry, index)
  if (deadLetter && deadLetter.data.offset >= offset) return deadState(deadLetter, data)
  if ((data.committed.get(`${name}/${topic}`) ?? -1) > offset) return { state: 'done' }
  return { state: 'waiting', since: toIsoTime(timestampMs) }
}

const inFlightRecordOf = (name: string, { copies }: EventEntry, inFlight: InFlightRecord[]) =>
  inFlight.find(
    inFlightRecord =>
      inFlightRecord.function === name &&
      copies.some(
        ({ record }) =>
          record.topic === inFlightRecord.topic &&
          record.partition === inFlightRecord.partition &&
          record.offset === inFlightRecord.offset,
      ),
  )

function inFlightState(inFlight: InFlightRecord, appendedMs: number): ReaderState {
  const { try: count, runningSinceMs, nextTryAtMs, error } = inFlight
  return {
    state: runningSinceMs === undefined ? 'waiting' : 'running',
    since: toIsoTime(runningSinceMs ?? appendedMs),
    ...(count !== undefined && { try: count }),
    ...(runningSinceMs === undefined && nextTryAtMs !== undefined && { nextTryAt: toIsoTime(nextTryAtMs) }),
    ...(error && { error }),
  }
}

const isEmittedBy = (event: LaresEvent | undefined, name: string): boolean =>
  event?.source === `/lares/functions/${name}` && event.type !== 'lares.stream.extended'

/** A record that is not an event has no id, so its dead letter cannot name it as the cause. */
const causedEntries = ({ id, event }: EventEntry, { byCause }: EntryIndex): EventEntry[] =>
  byCause.get(event ? id : '') ?? []

type DeadLetterEvent = LaresEvent<'lares.deadletter.recorded'>

const asDeadLetter = ({ event }: EventEntry): DeadLetterEvent[] =>
  event?.type === 'lares.deadletter.recorded' && event.data !== undefined ? [event as DeadLetterEvent] : []

/** The last dead letter: an event that was put back may have failed again. */
function deadLetterOf(name: string, entry: EventEntry, index: EntryIndex): DeadLetterEvent | undefined {
  const isOf = ({ data }: DeadLetterEvent) =>
    data.function === name &&
    entry.copies.some(
      ({ record: { topic, partition, offset } }) =>
        topic === data.topic && partition === data.partition && offset === data.offset,
    )
  return causedEntries(entry, index).flatMap(asDeadLetter).findLast(isOf)
}

function deadState({ id, data }: DeadLetterEvent, { deadLetters }: TraceData): ReaderState {
  const retriedAt = deadLetters.find(deadLetter => deadLetter.id === id)?.retriedAt
  return {
    state: 'dead',
    try: data.tries,
    error: data.error,
    deadLetter: { id, ...(retriedAt !== undefined && { retriedAt }) },
  }
}
