import type { BusRecord } from '../bus/bus.ts'

/** The attempt of a function that emits an event: its number and its times in milliseconds since the epoch. */
export type Attempt = { try: number; pickedAtMs: number; startedAtMs: number }

const ATTEMPT_HEADER = 'lares-try'
const PICKED_AT_HEADER = 'lares-picked-at'
const RAN_MS_HEADER = 'lares-ran-ms'

/**
 * The headers of an emitted record that describe its attempt. They are not attributes of the event: a second attempt
 * gives the same event with other headers.
 */
export const attemptHeaders = ({ try: count, pickedAtMs, startedAtMs }: Attempt, nowMs: number) => ({
  [ATTEMPT_HEADER]: String(count),
  [PICKED_AT_HEADER]: String(pickedAtMs),
  [RAN_MS_HEADER]: String(Math.max(0, nowMs - startedAtMs)),
})

/**
 * Reads the attempt of a record. Undefined for a record that no connector has published, and for records of older
 * versions.
 */
export function attemptFromHeaders({ headers }: Pick<BusRecord, 'headers'>) {
  const [count, pickedAtMs, ranMs] = [ATTEMPT_HEADER, PICKED_AT_HEADER, RAN_MS_HEADER].map(name =>
    Number(headers[name] ?? Number.NaN),
  )
  if (![count, pickedAtMs, ranMs].every(Number.isFinite)) return undefined
  return { try: count!, pickedAtMs: pickedAtMs!, ranMs: ranMs! }
}
