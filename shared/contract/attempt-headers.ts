import type { BusRecord } from '../bus/bus.ts'

/** The attempt of a function that emits an event: its number and its times in milliseconds since the epoch. */
export type Making = { try: number; pickedAtMs: number; startedAtMs: number }

const TRY = 'lares-try'
const PICKED_AT = 'lares-picked-at'
const RAN_MS = 'lares-ran-ms'

/**
 * The headers of an emitted record that describe its attempt. They are not attributes of the event: a second attempt
 * gives the same event with other headers.
 */
export const notesOf = ({ try: count, pickedAtMs, startedAtMs }: Making, nowMs: number) => ({
  [TRY]: String(count),
  [PICKED_AT]: String(pickedAtMs),
  [RAN_MS]: String(Math.max(0, nowMs - startedAtMs)),
})

/**
 * Reads the attempt of a record. Undefined for a record that no connector has published, and for records of older
 * versions.
 */
export function madeIn({ headers }: Pick<BusRecord, 'headers'>) {
  const [count, pickedAtMs, ranMs] = [TRY, PICKED_AT, RAN_MS].map(name => Number(headers[name] ?? Number.NaN))
  if (![count, pickedAtMs, ranMs].every(Number.isFinite)) return undefined
  return { try: count!, pickedAtMs: pickedAtMs!, ranMs: ranMs! }
}
