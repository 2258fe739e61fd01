import * as z from 'zod'
import type { BusRecord } from '../../shared/bus/bus.ts'
import type { Load } from './metrics.ts'

/** How far a record is with its function: nothing is set while it waits for its turn. Kept in memory only, as tries are. */
export type Standing = {
  /** When its first try began. */
  pickedAtMs?: number
  /** The number of the try that runs, or ran last. */
  try?: number
  runningSinceMs?: number | undefined
  /** Why the last try failed, and when the next one is. */
  error?: { code: string; message: string }
  nextTryAtMs?: number
}

/** A standing with the function and the place of its record; as JSON it is what the connector's admin port answers. */
export const placedStanding = z.object({
  function: z.string(),
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
  try: z.int().optional(),
  pickedAtMs: z.number().optional(),
  runningSinceMs: z.number().optional(),
  nextTryAtMs: z.number().optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
})
export type PlacedStanding = z.infer<typeof placedStanding>

export function placed(
  name: string,
  standings: ReadonlyMap<BusRecord, Standing>,
  conversation: string,
): PlacedStanding[] {
  const found: PlacedStanding[] = []
  for (const [{ key, topic, partition, offset }, { runningSinceMs, ...standing }] of standings)
    if (key === conversation)
      found.push({
        function: name,
        topic,
        partition,
        offset,
        ...standing,
        ...(runningSinceMs !== undefined && { runningSinceMs }),
      })
  return found
}

export function loadOf(name: string, standings: ReadonlyMap<BusRecord, Standing>): Load {
  let running = 0
  for (const { runningSinceMs } of standings.values()) if (runningSinceMs !== undefined) running++
  return { function: name, running, held: standings.size }
}

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
