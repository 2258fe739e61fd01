import type { BusRecord } from '../bus/bus.ts'

/** What is known of a try when its function emits something. */
export type Making = { try: number; pickedAtMs: number; startedAtMs: number }

const TRY = 'lares-try'
const PICKED_AT = 'lares-picked-at'
const RAN_MS = 'lares-ran-ms'

/**
 * The headers of an emitted record that tell how it came about. They are no attributes of the event: a second try gives
 * the same event with other headers.
 */
export const notesOf = ({ try: count, pickedAtMs, startedAtMs }: Making, nowMs: number) => ({
  [TRY]: String(count),
  [PICKED_AT]: String(pickedAtMs),
  [RAN_MS]: String(Math.max(0, nowMs - startedAtMs)),
})

/** How a record came about; undefined for one that no connector has put on the log, or an older one. */
export function madeIn({ headers }: Pick<BusRecord, 'headers'>) {
  const [count, pickedAtMs, ranMs] = [TRY, PICKED_AT, RAN_MS].map(name => Number(headers[name] ?? Number.NaN))
  if (![count, pickedAtMs, ranMs].every(Number.isFinite)) return undefined
  return { try: count!, pickedAtMs: pickedAtMs!, ranMs: ranMs! }
}
