import { attemptFromHeaders } from '../contract/attempt-headers.ts'
import type { LaresEvent } from '../contract/events/event.ts'
import type { HistoryMessage } from '../store/store.ts'
import {
  type EntryIndex,
  type EventEntry,
  type LoggedRecord,
  type TraceData,
  toIsoTime,
} from './trace-model.ts'
import { readersOf } from './trace-readers.ts'
import type { TracedEvent, TracedTurn } from './trace-types.ts'

const STREAM_TYPE = 'lares.stream.extended'

/** Groups a conversation's records into turns and events, with the progress of each reader. */
export function turnsOf(data: TraceData): TracedTurn[] {
  const entries = toEntries(data.records)
  const events = Map.groupBy(entries, ({ turn }) => turn)
  const entryIndex: EntryIndex = {
    byId: new Map(entries.map(entry => [entry.id, entry])),
    byCause: Map.groupBy(entries, ({ event }) => event?.causationid ?? ''),
  }
  const depthOf = openCausalDepths(entryIndex)
  const rows = new Map(data.rows.map(row => [row.id, row]))
  // Turns of the same millisecond stay in the order of the log, because the sort below is stable.
  const ids = [...new Set([...events.keys(), ...rows.keys()])]
  return ids
    .map(id => toTracedTurn(id, rows.get(id), sortEntries(events.get(id) ?? [], depthOf), entryIndex, data))
    .filter(turn => !data.hasEarlier || turn.message || turn.events.some(({ causedBy }) => !causedBy))
    .sort((a, b) => compare(startOf(a), startOf(b)))
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The log's time, if the log still has the turn: the turn's row may not have been read. */
const startOf = ({ events, message }: TracedTurn): string => events[0]?.at ?? message!.createdAt

function toEntries(records: LoggedRecord[]): EventEntry[] {
  const entries = new Map<string, EventEntry>()
  for (const loggedRecord of [...records].sort((a, b) => a.record.timestampMs - b.record.timestampMs)) {
    const { topic, partition, offset } = loggedRecord.record
    const position = `${topic}/${partition}/${offset}`
    const id = loggedRecord.event?.id ?? position
    const key =
      loggedRecord.event?.type === STREAM_TYPE
        ? `${loggedRecord.event.causationid}/${loggedRecord.record.headers['lares-try']}`
        : id
    const known = entries.get(key)
    if (known) known.copies.push(loggedRecord)
    else
      entries.set(key, {
        id,
        turn: loggedRecord.event?.correlationid ?? position,
        copies: [loggedRecord],
        ...(loggedRecord.event && { event: loggedRecord.event }),
      })
  }
  return [...entries.values()]
}

/** The number of causes behind an event; it orders records of different topics within one millisecond. */
function openCausalDepths({ byId }: EntryIndex): (entry: EventEntry) => number {
  const depths = new Map<string, number>()
  return function depthOf(entry: EventEntry): number {
    const known = depths.get(entry.id)
    if (known !== undefined) return known
    // This ends the recursion if events cause each other in a circle, which no writer should produce.
    depths.set(entry.id, 0)
    const cause = byId.get(entry.event?.causationid ?? '')
    const depth = cause ? depthOf(cause) + 1 : 0
    depths.set(entry.id, depth)
    return depth
  }
}

const appendedMs = ({ copies }: EventEntry): number => copies[0]!.record.timestampMs
const streamFirst = ({ event }: EventEntry): number => (event?.type === STREAM_TYPE ? 0 : 1)

const sortEntries = (entries: EventEntry[], depthOf: (entry: EventEntry) => number): EventEntry[] =>
  entries.sort(
    (a, b) => appendedMs(a) - appendedMs(b) || depthOf(a) - depthOf(b) || streamFirst(a) - streamFirst(b),
  )

function toTracedTurn(
  id: string,
  row: HistoryMessage | undefined,
  entries: EventEntry[],
  index: EntryIndex,
  data: TraceData,
): TracedTurn {
  const end = entries.findLast(({ event }) => event?.type === 'lares.reply.completed')
  const status = (end?.event as LaresEvent<'lares.reply.completed'> | undefined)?.data?.status
  return {
    id,
    ...(row && { message: toTracedMessage(row) }),
    ...(end && { reply: { at: toIsoTime(appendedMs(end)), ...(status && { status }) } }),
    events: entries.map(entry => toTracedEvent(entry, index, data)),
  }
}

export const toTracedMessage = ({ text, status, createdAt }: HistoryMessage) => ({ text, status, createdAt })

function toTracedEvent(entry: EventEntry, index: EntryIndex, data: TraceData): TracedEvent {
  const { id, event, copies } = entry
  const { record, isClaimCheck } = copies[0]!
  const attempt = attemptFromHeaders(record)
  const waited = attempt && waitedMs(index, event?.causationid, attempt.pickedAtMs)
  return {
    id,
    type: event?.type ?? 'no event',
    at: toIsoTime(record.timestampMs),
    madeBy: producerOf(event),
    ...(event?.causationid !== undefined && { causedBy: event.causationid }),
    ...(attempt && {
      made: { try: attempt.try, ranMs: attempt.ranMs, ...(waited !== undefined && { waitedMs: waited }) },
    }),
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    bytes: copies.reduce((sum, copy) => sum + copy.record.bytes, 0),
    isClaimCheck,
    records: copies.length,
    lastAt: toIsoTime(copies.at(-1)!.record.timestampMs),
    readers: readersOf(entry, index, data),
  }
}

const producerOf = (event: LaresEvent | undefined): string =>
  event?.source.replace(/^\/lares\/(functions\/)?/, '') ?? 'unknown'

/**
 * Counts from the cause's last record before the function picked it up: an event put back has waited only since then.
 */
function waitedMs({ byId }: EntryIndex, cause: string | undefined, pickedAtMs: number): number | undefined {
  const records = byId.get(cause ?? '')?.copies.map(({ record }) => record.timestampMs)
  if (!records) return undefined
  const since = records.findLast(ms => ms <= pickedAtMs) ?? records[0]!
  return Math.max(0, pickedAtMs - since)
}
