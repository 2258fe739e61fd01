import type { CloudEventV1 } from 'cloudevents'
import * as z from 'zod'
import { lazy } from '../../base/concurrency/lazy.ts'
import { LaresError } from '../../base/errors.ts'
import { dataSchemaOf, type EventData, type EventType } from './event-types.ts'
import { derivedId } from './ids.ts'

/** Attributes that Lares adds to CloudEvents' own; all are part of the documented extensions or plain strings. */
export type LaresAttributes = {
  /** The conversation. */
  subject: string
  time: string
  datacontenttype: 'application/json'
  /** The conversation again, as the partitioning extension requires; also the Kafka key. */
  partitionkey: string
  /** The turn: the id of the message that the turn answers. */
  correlationid: string
  /** The event that caused this one. */
  causationid?: string
  /** W3C trace context. */
  traceparent: string
  /**
   * The last event of the same conversation that the connector gave to this function and whose results are all on the
   * log. The connector sends this attribute only to the function that it calls; the log does not keep it.
   */
  publishedid?: string
  /** The reference to data that is too large for the event (claim check extension). */
  dataref?: string
}

/** A CloudEvents 1.0 event of Lares. */
export type LaresEvent<T extends EventType = EventType> = Pick<CloudEventV1<unknown>, 'id' | 'source'> &
  LaresAttributes & { specversion: '1.0'; type: T; data: EventData<T> }

/** A handler's description of an event. The rest of the event follows from its cause. */
export type EventDraft<T extends EventType = EventType> = {
  [K in T]: {
    type: K
    data: EventData<K>
    subject?: string
    correlationid?: string
    /**
     * The event that first caused this one. Set when another event makes the handler emit it again, so that it keeps
     * its id.
     */
    causationid?: string
    /** The event's index among those of its first cause. */
    index?: number
  }
}[T]

/**
 * The characters that CloudEvents allows in a String attribute (section 2.2): no control characters, no unpaired
 * surrogates.
 */
const attributeTextSchema = z
  .string()
  .regex(/^[^\p{Cc}\p{Cs}]+$/u, 'no text, or characters that no event may carry')

const conversationIdSchema = attributeTextSchema.max(255)

const indexSchema = z.int().nonnegative()

const envelopeSchema = lazy(() =>
  z
    .object({
      specversion: z.literal('1.0'),
      id: attributeTextSchema,
      source: attributeTextSchema,
      type: attributeTextSchema,
      subject: conversationIdSchema,
      time: z.iso.datetime({ offset: true }),
      datacontenttype: z.literal('application/json'),
      partitionkey: conversationIdSchema,
      correlationid: attributeTextSchema,
      causationid: attributeTextSchema.optional(),
      publishedid: attributeTextSchema.optional(),
      traceparent: z.string().regex(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/),
      dataref: attributeTextSchema.optional(),
      data: z.unknown().optional(),
    })
    // Attributes of other extensions stay with the event.
    .catchall(z.union([z.string(), z.number(), z.boolean()], 'an attribute is a text, a number or a boolean'))
    .refine(
      event => Object.keys(event).every(isAttributeName),
      'attribute names have lower-case letters and digits',
    ),
)

const isAttributeName = (name: string): boolean => /^[a-z0-9]+$/.test(name)

/**
 * Checks data against its type's schema and returns it with defaults filled in. Errors: `unknown_type`,
 * `invalid_event`.
 */
export function parseEventData<T extends EventType>(type: T, data: unknown): EventData<T> {
  const schema = dataSchemaOf(type)
  if (!schema) throw new LaresError('unknown_type', `Lares has no event type "${type}"`)
  const result = schema.safeParse(data)
  if (result.success) return result.data as EventData<T>
  throw new LaresError('invalid_event', `the data of "${type}" is wrong: ${z.prettifyError(result.error)}`)
}

/** Checks a whole event; its data may still lie behind its `dataref`. Errors: `unknown_type`, `invalid_event`. */
export function parseEvent(value: unknown): LaresEvent {
  const result = envelopeSchema().safeParse(value)
  if (!result.success)
    throw new LaresError('invalid_event', `not an event of Lares: ${z.prettifyError(result.error)}`)
  const event = result.data as unknown as LaresEvent
  if (event.dataref !== undefined && event.data === undefined) return event
  return { ...event, data: parseEventData(event.type, event.data) } as LaresEvent
}

/** Starts a trace for an event without a cause in Lares (W3C Trace Context, version 00, sampled). */
export const newTraceparent = (): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(24))
  const hex = Buffer.from(bytes).toString('hex')
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-01`
}

/** The span id is derived from the event's id, so that a repeated invocation repeats its spans too. */
const childTraceparent = (traceparent: string, id: string): string =>
  `${traceparent.slice(0, 36)}${id.replaceAll('-', '').slice(0, 16)}${traceparent.slice(52)}`

export type RootEventInput<T extends EventType> = {
  id: string
  source: string
  type: T
  conversation: string
  data: EventData<T>
  correlationid?: string
  traceparent?: string
  time?: string
}

/** Creates an event from an outside source: a message, a timer. Errors: `unknown_type`, `invalid_event`. */
export function createRootEvent<T extends EventType>(input: RootEventInput<T>): LaresEvent<T> {
  const event = {
    specversion: '1.0',
    id: input.id,
    source: input.source,
    type: input.type,
    subject: input.conversation,
    time: input.time ?? new Date().toISOString(),
    datacontenttype: 'application/json',
    partitionkey: input.conversation,
    correlationid: input.correlationid ?? input.id,
    traceparent: input.traceparent ?? newTraceparent(),
    data: input.data,
  }
  return parseEvent(event) as LaresEvent<T>
}

export type EventOrigin = { function: string; cause: LaresEvent; index: number; time?: string }

/** Creates the `index`th event that a function emits because of `cause`. Errors: `unknown_type`, `invalid_event`. */
export function createCausedEvent(draft: EventDraft, origin: EventOrigin): LaresEvent {
  const { cause } = origin
  const causationid = draftOverride(attributeTextSchema, draft, 'causationid') ?? cause.id
  const id = derivedId(
    causationid,
    origin.function,
    draftOverride(indexSchema, draft, 'index') ?? origin.index,
  )
  const subject = draftOverride(conversationIdSchema, draft, 'subject') ?? cause.subject
  const event = {
    specversion: '1.0',
    id,
    source: `/lares/functions/${origin.function}`,
    type: draft.type,
    subject,
    time: origin.time ?? new Date().toISOString(),
    datacontenttype: 'application/json',
    partitionkey: subject,
    correlationid: draftOverride(attributeTextSchema, draft, 'correlationid') ?? cause.correlationid,
    causationid,
    traceparent: childTraceparent(cause.traceparent, id),
    data: parseEventData(draft.type, draft.data),
  }
  return event as unknown as LaresEvent
}

/** The value that a draft sets itself. All other values come from the cause, which was checked when it was read. */
function draftOverride<T>(
  schema: z.ZodType<T>,
  draft: EventDraft,
  key: 'subject' | 'correlationid' | 'causationid' | 'index',
): T | undefined {
  if (draft[key] === undefined) return undefined
  const result = schema.safeParse(draft[key])
  if (result.success) return result.data
  throw new LaresError(
    'invalid_event',
    `the ${key} of "${draft.type}" is wrong: ${z.prettifyError(result.error)}`,
  )
}
