import * as z from 'zod'
import type { BusRecord } from '../bus/bus.ts'

/**
 * The state of a record at its function; empty while the record waits for its turn. Kept in memory only, like attempts.
 */
export type InFlight = {
  /** When its first attempt began. */
  pickedAtMs?: number
  /** The number of the running attempt, or of the last one. */
  try?: number
  runningSinceMs?: number | undefined
  /** Why the last attempt failed. `nextTryAtMs` is the time of the next one. */
  error?: { code: string; message: string }
  nextTryAtMs?: number
}

/**
 * The in-flight status of one record, with the function and the record's offset. The connector's admin port returns it
 * as JSON.
 */
export const inFlightRecordSchema = z.object({
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
export type InFlightRecord = z.infer<typeof inFlightRecordSchema>

export function inFlightRecordsOf(
  name: string,
  inFlight: ReadonlyMap<BusRecord, InFlight>,
  conversation: string,
): InFlightRecord[] {
  const found: InFlightRecord[] = []
  for (const [{ key, topic, partition, offset }, { runningSinceMs, ...status }] of inFlight)
    if (key === conversation)
      found.push({
        function: name,
        topic,
        partition,
        offset,
        ...status,
        ...(runningSinceMs !== undefined && { runningSinceMs }),
      })
  return found
}
