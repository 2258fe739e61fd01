import { newerDataError } from '../../base/version.ts'
import type { BusMessage, BusRecord } from '../../bus/bus.ts'
import { type LaresEvent, parseEvent } from './event.ts'
import { topicOf } from './event-types.ts'
import {
  encodeData,
  eventFromJson,
  keepOriginalBytes,
  parseJson,
  parseMediaType,
  requireJsonMediaType,
  STRUCTURED_MEDIA_TYPE,
} from './http-binding.ts'

/**
 * An event as a record: CloudEvents Kafka protocol binding 1.0.2, binary mode (section 3.2). The key is `partitionkey`
 * (3.1).
 */
export function eventToRecord(event: LaresEvent): BusMessage {
  const { data, datacontenttype, ...attributes } = event
  const headers: Record<string, string> = { 'content-type': datacontenttype }
  for (const [key, value] of Object.entries(attributes))
    if (value !== undefined) headers[`ce_${key}`] = String(value)
  return {
    topic: topicOf(event.type),
    key: event.partitionkey,
    headers,
    value: encodeData(data),
  }
}

/**
 * Reads a record in binary or structured mode. Errors: `invalid_event`, `unknown_type`, `unsupported_media_type`;
 * `unavailable` for a record of a newer Lares.
 */
export function eventFromRecord(record: Pick<BusRecord, 'headers' | 'value'>): LaresEvent {
  requireKnownFormat(record.headers)
  const contentType = parseMediaType(record.headers['content-type'])
  if (contentType === STRUCTURED_MEDIA_TYPE) return eventFromJson(parseJson(record.value))
  requireJsonMediaType(contentType)
  const attributes: Record<string, unknown> = { datacontenttype: 'application/json' }
  for (const [key, value] of Object.entries(record.headers))
    if (key.startsWith('ce_')) attributes[key.slice(3)] = value
  if (record.value.length > 0) attributes.data = parseJson(record.value)
  return keepOriginalBytes(parseEvent(attributes), record.value)
}

/** The format of records on the log. A record without the attribute `dataversion` has format 1. */
export const RECORD_FORMAT = 1

/**
 * During an upgrade, an older function may meet records of a newer one. Those records wait for a function that can read
 * them.
 */
function requireKnownFormat({ ce_dataversion = String(RECORD_FORMAT), ce_id }: Record<string, string>): void {
  const found = Number(ce_dataversion)
  if (found > RECORD_FORMAT)
    throw newerDataError({
      what: `the event ${ce_id} on the log`,
      found,
      known: RECORD_FORMAT,
      isRetryable: true,
    })
}
