import type { BusRecord } from '../bus/bus.ts'
import type { LaresEvent } from '../contract/events/event.ts'
import type { DeployedFunction } from '../contract/stack.ts'
import type { HistoryMessage } from '../store/store.ts'
import type { InFlightRecord } from './in-flight.ts'
import type { DeadLetter } from './operations.ts'

/**
 * A record of the log with its event. `event` is absent if the record holds no event, and lacks its data if the trace
 * does not need it.
 */
export type LoggedRecord = {
  record: Omit<BusRecord, 'value'> & { bytes: number }
  isClaimCheck: boolean
  event?: LaresEvent
}

export type TraceData = {
  records: LoggedRecord[]
  rows: HistoryMessage[]
  /** There are older turns that the request does not cover; their events may have been read in part. */
  hasEarlier: boolean
  deployed: DeployedFunction[]
  inFlight: InFlightRecord[]
  /** By `function/topic`: the position up to which the function has finished everything. */
  committed: Map<string, number>
  deadLetters: DeadLetter[]
}

/** The records of one event, oldest first; the pieces of a stream from one attempt count as one event. */
export type EventEntry = { id: string; event?: LaresEvent; turn: string; copies: LoggedRecord[] }

export type EntryIndex = {
  byId: Map<string, EventEntry>
  /** By the causing event's id; events without a cause are under the empty id. */
  byCause: Map<string, EventEntry[]>
}

export const toIsoTime = (ms: number): string => new Date(ms).toISOString()
