import type { BusMessage, BusRecord } from '../../bus/bus.ts'
import { checkEvent, type LaresEvent } from './event.ts'
import { topicOf } from './event-types.ts'
import {
  encodeData,
  fromJson,
  keepBytes,
  mediaType,
  parseJson,
  requireJson,
  STRUCTURED,
} from './http-binding.ts'

/** An event as a record: CloudEvents Kafka protocol binding 1.0.2, binary mode (section 3.2); the key is `partitionkey` (3.1). */
export function toRecord(event: LaresEvent): BusMessage {
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
export function fromRecord(record: Pick<BusRecord, 'headers' | 'value'>): LaresEvent {
  const contentType = mediaType(record.headers['content-type'])
  if (contentType === STRUCTURED) return fromJson(parseJson(record.value))
  requireJson(contentType)
  const attributes: Record<string, unknown> = { datacontenttype: 'application/json' }
  for (const [key, value] of Object.entries(record.headers))
    if (key.startsWith('ce_')) attributes[key.slice(3)] = value
  if (record.value.length > 0) attributes.data = parseJson(record.value)
  return keepBytes(checkEvent(attributes), record.value)
}
