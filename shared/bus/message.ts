import { LaresError } from '../base/errors.ts'
import type { BusMessage } from './bus.ts'

/**
 * Every driver refuses a larger record. The limit lies below Kafka's default of 1 MiB, with a margin for its framing.
 */
export const MAX_RECORD_BYTES = 1_000_000

/** An upper estimate of the bytes that Kafka adds to a record for lengths and counts. */
const FRAMING_BYTES = 64
const HEADER_FRAMING_BYTES = 10

/** The size of a message on the wire and on disk, in bytes. */
function recordSize(message: BusMessage): number {
  let bytes = FRAMING_BYTES + Buffer.byteLength(message.key) + message.value.length
  for (const [name, value] of Object.entries(message.headers))
    bytes += HEADER_FRAMING_BYTES + Buffer.byteLength(name) + Buffer.byteLength(value)
  return bytes
}

/**
 * Returns the size of a message in bytes. Refuses a message that is too large before it is queued, so that it cannot
 * spoil a batch.
 */
export function checkRecordSize(message: BusMessage): number {
  const bytes = recordSize(message)
  if (bytes > MAX_RECORD_BYTES)
    throw new LaresError(
      'too_large',
      `the record for topic "${message.topic}" has ${bytes} bytes; the bus takes at most ${MAX_RECORD_BYTES}: put large data in the object store`,
    )
  return bytes
}
