import type { IncomingHttpHeaders } from 'node:http'
import { LaresError } from '../../base/errors.ts'
import { type LaresEvent, parseEvent } from './event.ts'

/**
 * CloudEvents HTTP protocol binding 1.0.2: binary mode for one event, batched mode for several. A stream has one event
 * per line.
 */
export const BATCH_MEDIA_TYPE = 'application/cloudevents-batch+json'
export const NDJSON_MEDIA_TYPE = 'application/x-ndjson'
export const STRUCTURED_MEDIA_TYPE = 'application/cloudevents+json'

/**
 * Names the function, by its manifest, that a request is meant for. An address may belong to another function when the
 * request arrives, for example after a container has ended. RFC 9110, section 7.4, refuses such requests with 421.
 */
export const TARGET_FUNCTION_HEADER = 'lares-function'

/** Section 3.1.3.2: spaces, quotes, percent signs and all characters but printable ASCII are percent-encoded. */
export const encodeHeader = (value: string): string =>
  value.replace(/[^\x21-\x7e]|["%]/gu, character =>
    encodeURIComponent(character.isWellFormed() ? character : '\ufffd'),
  )

/** Section 3.1.3.2, decoding: removes quotes and undoes percent-encoding. */
export function decodeHeader(value: string): string {
  const bare =
    value.length > 1 && value.startsWith('"') && value.endsWith('"')
      ? value.slice(1, -1).replace(/\\(.)/g, '$1')
      : value
  if (!bare.includes('%')) return bare
  try {
    return decodeURIComponent(bare)
  } catch (cause) {
    throw new LaresError('invalid_event', `the header value "${value}" is not percent-encoded UTF-8`, {
      cause,
    })
  }
}

/** An event as headers and body of an HTTP message in binary mode. */
export function eventToHttp(event: LaresEvent): { headers: Record<string, string>; body: Buffer } {
  const { data, datacontenttype, ...attributes } = event
  const headers: Record<string, string> = { 'content-type': datacontenttype }
  for (const [key, value] of Object.entries(attributes))
    if (value !== undefined) headers[`ce-${key}`] = encodeHeader(String(value))
  return { headers, body: encodeData(data) }
}

/** The bytes that data was read from. Unchanged data is not serialised again. */
const originalBytes = new WeakMap<object, Buffer>()

/**
 * The bytes of an event's data; empty when the data lies behind a `dataref`. Errors: `invalid_event` for values that
 * JSON cannot express.
 */
export function encodeData(data: unknown): Buffer {
  if (data === undefined) return Buffer.alloc(0)
  const known = typeof data === 'object' && data !== null ? originalBytes.get(data) : undefined
  return known ?? Buffer.from(toJson(data))
}

/** Keeps the original bytes with the event read from them. The event's data must not be changed in place. */
export function keepOriginalBytes(event: LaresEvent, bytes: Buffer): LaresEvent {
  if (typeof event.data === 'object' && event.data !== null) originalBytes.set(event.data, bytes)
  return event
}

/**
 * Errors: `invalid_event`, because a value that JSON cannot express (a cycle, a BigInt) also fails at the next attempt.
 */
export function toJson(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch (cause) {
    throw new LaresError('invalid_event', `an event cannot be written as JSON: ${(cause as Error).message}`, {
      cause,
    })
  }
}

/** Reads an event in binary or structured mode. Errors: `invalid_event`, `unknown_type`, `unsupported_media_type`. */
export function eventFromHttp(headers: IncomingHttpHeaders, body: Buffer): LaresEvent {
  const contentType = parseMediaType(headers['content-type'])
  if (contentType === STRUCTURED_MEDIA_TYPE) return eventFromJson(parseJson(body))
  requireJsonMediaType(contentType)
  const attributes: Record<string, unknown> = { datacontenttype: 'application/json' }
  for (const [key, value] of Object.entries(headers))
    if (key.startsWith('ce-') && typeof value === 'string') attributes[key.slice(3)] = decodeHeader(value)
  if (body.length > 0) attributes.data = parseJson(body)
  return keepOriginalBytes(parseEvent(attributes), body)
}

/** Requires JSON, the data format of every event type of Lares. Errors: `unsupported_media_type`. */
export function requireJsonMediaType(contentType: string | undefined): void {
  if (contentType !== undefined && contentType !== 'application/json')
    throw new LaresError(
      'unsupported_media_type',
      `an event's data is application/json, not "${contentType}"; a whole event in JSON is ${STRUCTURED_MEDIA_TYPE}`,
    )
}

/**
 * Reads an event in CloudEvents' JSON format (sections 2.2 and 3.1). An attribute that is null is not set, and a
 * missing `datacontenttype` means JSON. Errors: `invalid_event`, `unknown_type`, `unsupported_media_type`.
 */
export function eventFromJson(value: unknown): LaresEvent {
  if (typeof value !== 'object' || value === null)
    throw new LaresError('invalid_event', 'an event in the JSON format is an object')
  const set = Object.entries(value).filter(([key, attribute]) => attribute !== null || key === 'data')
  const { datacontenttype, ...event } = Object.fromEntries(set)
  requireJsonMediaType(parseMediaType(datacontenttype?.toString()))
  return parseEvent({ ...event, datacontenttype: 'application/json' })
}

/** Reads the events of an answer: none, one or a batch. Errors: those of `eventFromHttp`. */
export function eventsFromHttp(headers: IncomingHttpHeaders, body: Buffer): LaresEvent[] {
  if (parseMediaType(headers['content-type']) !== BATCH_MEDIA_TYPE)
    return headers['ce-id'] || body.length > 0 ? [eventFromHttp(headers, body)] : []
  const batch = parseJson(body)
  if (!Array.isArray(batch)) throw new LaresError('invalid_event', 'a batch of events is a JSON array')
  return batch.map(eventFromJson)
}

/** A content type without its parameters. */
export const parseMediaType = (header: string | undefined): string | undefined =>
  header?.split(';', 1)[0]?.trim().toLowerCase()

export function parseJson(body: Buffer | string): unknown {
  try {
    return JSON.parse(body.toString())
  } catch (cause) {
    throw new LaresError('invalid_event', `the body is not JSON: ${(cause as Error).message}`, { cause })
  }
}
