import type { BusRecord } from '../bus/bus.ts'
import type { LaresEvent } from '../contract/events/event.ts'
import type { DeployedFunction } from '../contract/stack.ts'
import type { HistoryMessage } from '../store/store.ts'
import type { InFlightRecord } from './in-flight.ts'
import type { DeadLetter } from './operations.ts'

/** A record of the log and the event in it: not there when the record is none, without data when that is no matter. */
export type LoggedRecord = {
  record: Omit<BusRecord, 'value'> & { bytes: number }
  isClaimCheck: boolean
  event?: LaresEvent
}

export type TraceData = {
  records: LoggedRecord[]
  rows: HistoryMessage[]
  /** Older turns were not asked for; of those, only parts may have been read. */
  hasEarlier: boolean
  deployed: DeployedFunction[]
  inFlight: InFlightRecord[]
  /** By `function/topic`, the position up to which everything is finished. */
  committed: Map<string, number>
  deadLetters: DeadLetter[]
}

/** The records that stand for one event, the oldest first; the pieces of a stream from one try count as one event. */
export type EventEntry = { id: string; event?: LaresEvent; turn: string; copies: LoggedRecord[] }

export type EntryIndex = {
  byId: Map<string, EventEntry>
  /** By the cause's id; those that nothing caused are under the empty one. */
  byCause: Map<string, EventEntry[]>
}

export const toIsoTime = (ms: number): string => new Date(ms).toISOString()
