import * as z from 'zod'
import type { BusRecord } from '../bus/bus.ts'

/**
 * The state of a record at its function: nothing is set while it waits for its turn. Kept in memory only, like
 * attempts.
 */
export type InFlight = {
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
