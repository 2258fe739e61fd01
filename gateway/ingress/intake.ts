import { LaresError, toLaresError } from '../../shared/base/errors.ts'
import { within } from '../../shared/base/timeout.ts'
import { firstEvent } from '../../shared/contract/events/event.ts'
import type { Message } from '../../shared/contract/events/event-types.ts'
import { keyedId, newId } from '../../shared/contract/events/ids.ts'
import { languageOf } from '../../shared/language/detection.ts'
import { notesOf } from '../../shared/store/attachment-notes.ts'
import type { History } from '../../shared/store/store.ts'
import type { Parts } from '../context.ts'
import type { Live } from '../live/live-updates.ts'
import type { Pressure } from './admission.ts'
import { type Attached, storeAttachments } from './attachments.ts'
import type { Breaker } from './circuit-breaker.ts'

/** After this the bus counts as down: the sender, who has been told nothing, may send again. */
const PUBLISH_LIMIT_MS = 15_000

/** Asked for once: it takes a fifth of a millisecond. */
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone

export type Incoming = Pick<Message, 'person' | 'text' | 'channel' | 'history' | 'instructions'> & {
  /** None: a new one. */
  conversation?: string | undefined
  /** The sender's name for this message: sent again under the same key, it is the same message. */
  key?: string | undefined
  timeZone?: string | undefined
  attachments?: Attached[] | undefined
}

/** `repeated`: it had been accepted before, and nothing was done now. */
export type Accepted = { id: string; conversation: string; repeated: boolean }

/**
 * Takes a message in: resolves when it is durably on the bus and in the history.
 * Errors: `not_found` (another person's conversation), `key_reused`, `busy` (too much waits), `unavailable`, `rejected`
 * (attachments).
 */
export type Intake = (incoming: Incoming) => Promise<Accepted>

type Doors = { live: Pick<Live, 'accepted'>; pressure: Pressure; breaker: Breaker }

export function openIntake(parts: Parts, { live, pressure, breaker }: Doors): Intake {
  const { history } = parts.conversations
  const admit = async (incoming: Incoming & { conversation: string; id: string }) => {
    const leave = await pressure.enter(incoming)
    try {
      await breaker.run(() => enter(parts, incoming))
    } finally {
      leave()
    }
    live.accepted(incoming.conversation, incoming.id)
  }
  const claim = openClaims(history)
  return async incoming => {
    const { person, key, text } = incoming
    const conversation = incoming.conversation ?? (key === undefined ? newId() : keyedId(person, '', key))
    const release = await claim(conversation, person)
    try {
      const id = key === undefined ? newId() : keyedId(person, conversation, key)
      const known = key === undefined ? undefined : await history.message(id)
      if (known) checkSameText(known.text, text)
      else await admit({ ...incoming, conversation, id })
      return { id, conversation, repeated: known !== undefined }
    } finally {
      release()
    }
  }
}

/** First the bus, then the history: what the history shows as queued is sure to be answered. */
async function enter(parts: Parts, incoming: Incoming & { conversation: string; id: string }): Promise<void> {
  const { id, conversation, person, text } = incoming
  const time = new Date((parts.now ?? Date.now)()).toISOString()
  await parts.protection?.keys.of(person)
  const attachments = await storeAttachments(parts.objects, { person, id }, incoming.attachments ?? [])
  const event = firstEvent({
    id,
    source: '/lares/gateway',
    type: 'lares.message.received',
    conversation,
    time,
    data: {
      person,
      text,
      attachments,
      channel: incoming.channel,
      language: languageOf(text),
      timeZone: incoming.timeZone ?? parts.config.timeZone ?? HERE,
      ...(incoming.history && { history: incoming.history }),
      ...(incoming.instructions && { instructions: incoming.instructions }),
    },
  })
  await within(PUBLISH_LIMIT_MS, 'the bus', parts.events.publish([event]).catch(refuseForNow))
  const stored = await parts.conversations.history.accept({
    conversation,
    person,
    message: {
      id,
      role: 'user',
      text,
      inReplyTo: null,
      createdAt: time,
      status: 'queued',
      ...notesOf(attachments),
    },
  })
  checkSameText(stored.text, text)
}

/** A topic that is not there yet will be: the connector makes it when it first starts. */
function refuseForNow(error: unknown): never {
  if (toLaresError(error).code !== 'not_found') throw error
  throw new LaresError('unavailable', 'the log has no topics yet: is the connector running?', {
    cause: error,
  })
}

function checkSameText(known: string, text: string): void {
  if (known !== text)
    throw new LaresError('key_reused', 'another message was sent under this idempotency key: use a new one')
}

/**
 * A conversation belongs to the person who opened it. While its first message is on its way the store does not know
 * it yet; so that nobody slips into it meanwhile, it is held here.
 */
function openClaims(history: History) {
  const held = new Map<string, { person: string; count: number }>()
  return async (conversation: string, person: string): Promise<() => void> => {
    const known = await history.conversation(conversation)
    const owner = known?.person ?? held.get(conversation)?.person ?? person
    if (owner !== person) throw new LaresError('not_found', `there is no conversation "${conversation}"`)
    const claim = held.get(conversation) ?? { person, count: 0 }
    claim.count += 1
    held.set(conversation, claim)
    return () => {
      claim.count -= 1
      if (claim.count === 0) held.delete(conversation)
    }
  }
}

/** The person's conversation, by its id. Errors: `not_found`, also when it is another person's. */
export async function checkConversation(history: History, id: string, person: string): Promise<void> {
  const conversation = await history.conversation(id)
  if (conversation?.person !== person) throw new LaresError('not_found', `there is no conversation "${id}"`)
}
