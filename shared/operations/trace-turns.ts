import type { BusRecord } from '../bus/bus.ts'
import { madeIn } from '../contract/attempt-headers.ts'
import type { LaresEvent } from '../contract/events/event.ts'
import type { DeployedFunction } from '../contract/stack.ts'
import type { HistoryMessage } from '../store/store.ts'
import type { PlacedStanding } from './in-flight.ts'
import type { DeadLetter } from './operations.ts'
import { readersOf } from './trace-readers.ts'
import type { TracedEvent, TracedTurn } from './trace-types.ts'

/** A record of the log and the event in it: not there when the record is none, without data when that is no matter. */
export type Logged = {
  record: Omit<BusRecord, 'value'> & { bytes: number }
  isClaimCheck: boolean
  event?: LaresEvent
}

export type Journey = {
  logged: Logged[]
  rows: HistoryMessage[]
  /** Older turns were not asked for; of those, only parts may have been read. */
  hasEarlier: boolean
  deployed: DeployedFunction[]
  standings: PlacedStanding[]
  /** By `function/topic`, the position up to which everything is finished. */
  committed: Map<string, number>
  dead: DeadLetter[]
}

/** The records that stand for one event, the oldest first; the pieces of a stream from one try count as one event. */
export type Entry = { id: string; event?: LaresEvent; turn: string; copies: Logged[] }

export type Index = {
  byId: Map<string, Entry>
  /** By the cause's id; those that nothing caused are under the empty one. */
  causedBy: Map<string, Entry[]>
}

const STREAM = 'lares.stream.extended'

/** Puts a conversation's records together to turns and events, with what each reader has done. */
export function turnsOf(journey: Journey): TracedTurn[] {
  const entries = entriesOf(journey.logged)
  const events = Map.groupBy(entries, ({ turn }) => turn)
  const index: Index = {
    byId: new Map(entries.map(entry => [entry.id, entry])),
    causedBy: Map.groupBy(entries, ({ event }) => event?.causationid ?? ''),
  }
  const depthOf = openDepths(index)
  const rows = new Map(journey.rows.map(row => [row.id, row]))
  // Those of one millisecond stay in the order of the log, which the sort below leaves as it is.
  const ids = [...new Set([...events.keys(), ...rows.keys()])]
  return ids
    .map(id => turnOf(id, rows.get(id), sorted(events.get(id) ?? [], depthOf), index, journey))
    .filter(turn => !journey.hasEarlier || turn.message || turn.events.some(({ causedBy }) => !causedBy))
    .sort((a, b) => compare(beginOf(a), beginOf(b)))
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** By the log's clock where the log still has it: the row of a turn may not have been read. */
const beginOf = ({ events, message }: TracedTurn): string => events[0]?.at ?? message!.createdAt

function entriesOf(logged: Logged[]): Entry[] {
  const entries = new Map<string, Entry>()
  for (const one of [...logged].sort((a, b) => a.record.timestampMs - b.record.timestampMs)) {
    const { topic, partition, offset } = one.record
    const place = `${topic}/${partition}/${offset}`
    const id = one.event?.id ?? place
    const key =
      one.event?.type === STREAM ? `${one.event.causationid}/${one.record.headers['lares-try']}` : id
    const known = entries.get(key)
    if (known) known.copies.push(one)
    else
      entries.set(key, {
        id,
        turn: one.event?.correlationid ?? place,
        copies: [one],
        ...(one.event && { event: one.event }),
      })
  }
  return [...entries.values()]
}

/** How many causes an event has behind it: records of different topics within one millisecond are told apart by it. */
function openDepths({ byId }: Index): (entry: Entry) => number {
  const depths = new Map<string, number>()
  return function depthOf(entry: Entry): number {
    const known = depths.get(entry.id)
    if (known !== undefined) return known
    // A circle, which nobody should write, ends here.
    depths.set(entry.id, 0)
    const cause = byId.get(entry.event?.causationid ?? '')
    const depth = cause ? depthOf(cause) + 1 : 0
    depths.set(entry.id, depth)
    return depth
  }
}

const appendedMs = ({ copies }: Entry): number => copies[0]!.record.timestampMs
const isPiece = ({ event }: Entry): number => (event?.type === STREAM ? 0 : 1)

const sorted = (entries: Entry[], depthOf: (entry: Entry) => number): Entry[] =>
  entries.sort((a, b) => appendedMs(a) - appendedMs(b) || depthOf(a) - depthOf(b) || isPiece(a) - isPiece(b))

function turnOf(
  id: string,
  row: HistoryMessage | undefined,
  entries: Entry[],
  index: Index,
  journey: Journey,
): TracedTurn {
  const end = entries.findLast(({ event }) => event?.type === 'lares.reply.completed')
  const status = (end?.event as LaresEvent<'lares.reply.completed'> | undefined)?.data?.status
  return {
    id,
    ...(row && { message: messageOf(row) }),
    ...(end && { reply: { at: iso(appendedMs(end)), ...(status && { status }) } }),
    events: entries.map(entry => tracedOf(entry, index, journey)),
  }
}

export const messageOf = ({ text, status, createdAt }: HistoryMessage) => ({ text, status, createdAt })

export const iso = (ms: number): string => new Date(ms).toISOString()

function tracedOf(entry: Entry, index: Index, journey: Journey): TracedEvent {
  const { id, event, copies } = entry
  const { record, isClaimCheck } = copies[0]!
  const made = madeIn(record)
  const waited = made && waitedMs(index, event?.causationid, made.pickedAtMs)
  return {
    id,
    type: event?.type ?? 'no event',
    at: iso(record.timestampMs),
    madeBy: makerOf(event),
    ...(event?.causationid !== undefined && { causedBy: event.causationid }),
    ...(made && {
      made: { try: made.try, ranMs: made.ranMs, ...(waited !== undefined && { waitedMs: waited }) },
    }),
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    bytes: copies.reduce((sum, copy) => sum + copy.record.bytes, 0),
    isClaimCheck,
    records: copies.length,
    lastAt: iso(copies.at(-1)!.record.timestampMs),
    readers: readersOf(entry, index, journey),
  }
}

const makerOf = (event: LaresEvent | undefined): string =>
  event?.source.replace(/^\/lares\/(functions\/)?/, '') ?? 'unknown'

/** From the cause's last record before it was picked up: one that was put back has waited since then. */
function waitedMs({ byId }: Index, cause: string | undefined, pickedAtMs: number): number | undefined {
  const records = byId.get(cause ?? '')?.copies.map(({ record }) => record.timestampMs)
  if (!records) return undefined
  const since = records.findLast(ms => ms <= pickedAtMs) ?? records[0]!
  return Math.max(0, pickedAtMs - since)
}
