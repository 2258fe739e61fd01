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

/** An event as a record: CloudEvents Kafka protocol binding 1.0.2, binary mode (section 3.2); the key is `partitionkey` (3.1). */
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

/** Reads a record, in binary or structured mode. Errors: `invalid_event`, `unknown_type`, `unsupported_media_type`. */
export function eventFromRecord(record: Pick<BusRecord, 'headers' | 'value'>): LaresEvent {
  const contentType = parseMediaType(record.headers['content-type'])
  if (contentType === STRUCTURED_MEDIA_TYPE) return eventFromJson(parseJson(record.value))
  requireJsonMediaType(contentType)
  const attributes: Record<string, unknown> = { datacontenttype: 'application/json' }
  for (const [key, value] of Object.entries(record.headers))
    if (key.startsWith('ce_')) attributes[key.slice(3)] = value
  if (record.value.length > 0) attributes.data = parseJson(record.value)
  return keepOriginalBytes(parseEvent(attributes), record.value)
}
