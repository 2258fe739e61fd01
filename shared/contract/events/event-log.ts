import { LaresError } from '../../base/errors.ts'
import type { Bus } from '../../bus/bus.ts'
import type { Objects } from '../../objects/objects.ts'
import { personFolder } from '../../objects/person-folder.ts'
import { isGroup, type Sender } from './address.ts'
import { type LaresEvent, parseEventData } from './event.ts'
import { parseJson } from './http-binding.ts'
import { eventToRecord } from './kafka-binding.ts'

/** Larger data travels as a claim check. */
export const MAX_INLINE_BYTES = 256 * 1024
/** Larger data is refused. */
export const MAX_DATA_BYTES = 16 * 1024 * 1024

const DATAREF_SCHEME = 'lares-object:'

/** The log of events: the bus with the CloudEvents binding and the claim check. */
export type EventLog = {
  /**
   * Resolves when all events are durable. `attemptHeaders` are headers beside the events. They describe the attempt and are not
   * part of the events. Errors: those of `Bus.publish` and `Objects.put`; `too_large`.
   */
  publish(events: LaresEvent[], attemptHeaders?: Record<string, string>): Promise<void>
}

/** Keeps track of who owns each conversation. */
export type ConversationOwners = {
  /** Records the owner of a conversation whose turn begins with this event, before the store knows it. */
  recordOwner(conversation: string, person: string): void
  ownerOf(conversation: string): Promise<string | undefined>
  /** Records a group's member whose message begins a turn, before the store knows it. */
  recordSender(conversation: string, turn: string, person: string): void
  senderOf(conversation: string, turn: string): Promise<string | undefined>
}

const NO_OWNERS: ConversationOwners = {
  recordOwner: () => undefined,
  ownerOf: async () => undefined,
  recordSender: () => undefined,
  senderOf: async () => undefined,
}

export function openEventLog(bus: Bus, objects: Objects, owners: ConversationOwners = NO_OWNERS): EventLog {
  return {
    async publish(events, attemptHeaders) {
      for (const event of events) {
        if (event.causationid !== undefined) continue
        const { person, sender } = originOf(event)
        if (person !== undefined) owners.recordOwner(event.subject, person)
        if (person !== undefined && isGroup(person) && sender?.person !== undefined)
          owners.recordSender(event.subject, event.correlationid, sender.person)
      }
      const messages = events.map(eventToRecord)
      const isLarge = messages.map(message => message.value.length > MAX_INLINE_BYTES)
      // When no event is large, the records reach the bus in this turn of the event loop, which keeps the order of
      // calls.
      if (isLarge.includes(true))
        for (const [index, event] of events.entries())
          if (isLarge[index])
            messages[index] = eventToRecord(
              await offload(event, messages[index]!.value, { objects, ownership: owners }),
            )
      if (attemptHeaders) for (const { headers } of messages) Object.assign(headers, attemptHeaders)
      await bus.publish(messages)
    },
  }
}

type Origin = { person?: string | undefined; sender?: Sender | undefined }

/** The owner and the sender that the data of an event names. */
function originOf({ data }: LaresEvent): Origin {
  const own = (data ?? {}) as Origin & { message?: unknown }
  const message = (typeof own.message === 'object' && own.message !== null ? own.message : {}) as Origin
  return { person: own.person ?? message.person, sender: own.sender ?? message.sender }
}

/** The person whose key encrypts the data of an event that travels as an object. */
async function keyOwnerOfEvent(event: LaresEvent, owners: ConversationOwners): Promise<string | undefined> {
  const { person, sender } = originOf(event)
  const owner = person ?? (await owners.ownerOf(event.subject))
  if (owner === undefined || !isGroup(owner)) return owner
  return sender?.person ?? (await owners.senderOf(event.subject, event.correlationid)) ?? owner
}

/** Whether an object belongs to an event on the log, and to nothing else. */
export const isClaimCheck = (key: string): boolean => /^(people\/[^/]+\/)?events\/[^/]+$/.test(key)

/** Stores the data and returns the event with its claim check (CloudEvents extension `dataref`). */
async function offload(
  event: LaresEvent,
  data: Buffer,
  { objects, ownership }: { objects: Objects; ownership: ConversationOwners },
): Promise<LaresEvent> {
  if (data.length > MAX_DATA_BYTES)
    throw new LaresError(
      'too_large',
      `the data of event ${event.id} has ${data.length} bytes; at most ${MAX_DATA_BYTES} are taken`,
    )
  const person = await keyOwnerOfEvent(event, ownership)
  const key = `${person ? personFolder(person) : ''}events/${event.id}`
  await objects.put(key, data)
  const { data: _, ...rest } = event
  return { ...rest, dataref: `${DATAREF_SCHEME}${key}` } as LaresEvent
}

/** Restores the data of an event that travelled as a claim check. Errors: those of `Objects.get`; `invalid_event`. */
export async function resolveDataRef(event: LaresEvent, objects: Pick<Objects, 'get'>): Promise<LaresEvent> {
  if (event.dataref === undefined || event.data !== undefined) return event
  if (!event.dataref.startsWith(DATAREF_SCHEME))
    throw new LaresError(
      'invalid_event',
      `the dataref "${event.dataref}" of event ${event.id} is not in the object store`,
    )
  const data = await objects.get(event.dataref.slice(DATAREF_SCHEME.length))
  const { dataref: _, ...rest } = event
  return { ...rest, data: parseEventData(event.type, parseJson(data)) } as LaresEvent
}
