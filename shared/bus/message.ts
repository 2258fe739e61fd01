import { LaresError } from '../base/errors.ts'
import type { BusMessage } from './bus.ts'

/** A record above this is refused by every driver: below Kafka's default limit of 1 MiB by a margin for its framing. */
export const MAX_RECORD_BYTES = 1_000_000

/** Kafka's lengths and counts of a record, generously. */
const FRAMING_BYTES = 64
const HEADER_FRAMING_BYTES = 10

/** What the record weighs on the wire and on disk, in bytes. */
function recordSize(message: BusMessage): number {
  let bytes = FRAMING_BYTES + Buffer.byteLength(message.key) + message.value.length
  for (const [name, value] of Object.entries(message.headers))
    bytes += HEADER_FRAMING_BYTES + Buffer.byteLength(name) + Buffer.byteLength(value)
  return bytes
}

/** What it weighs, in bytes. Refuses a message before it is queued, so that it cannot spoil the batch of others. */
export function checkRecordSize(message: BusMessage): number {
  const bytes = recordSize(message)
  if (bytes > MAX_RECORD_BYTES)
    throw new LaresError(
      'too_large',
      `the record for topic "${message.topic}" has ${bytes} bytes; the bus takes at most ${MAX_RECORD_BYTES}: put large data in the object store`,
    )
  return bytes
}
