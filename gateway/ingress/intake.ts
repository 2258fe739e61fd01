import { withTimeout } from '../../shared/base/concurrency/timeout.ts'
import { LaresError, toLaresError } from '../../shared/base/errors.ts'
import {
  type Address,
  DEFAULT_ACCOUNT,
  isGroup,
  keyOwnerOf,
  personAsSender,
  principalOf,
  type Sender,
} from '../../shared/contract/events/address.ts'
import { createRootEvent } from '../../shared/contract/events/event.ts'
import { keyedId, newId } from '../../shared/contract/events/ids.ts'
import { detectLanguage } from '../../shared/language/detection.ts'
import { summarizeAttachments } from '../../shared/store/attachment-notes.ts'
import type { History } from '../../shared/store/store.ts'
import { mayUse, ownerForGroup } from '../auth/membership.ts'
import type { InboundAddress, InboundMessage, MessageHandler } from '../channels/channel.ts'
import type { LiveUpdates } from '../live/live-updates.ts'
import type { GatewayOptions } from '../options.ts'
import type { Admission } from './admission.ts'
import { storeAttachments } from './attachments.ts'
import type { CircuitBreaker } from './circuit-breaker.ts'

/** After this time, the bus counts as down. The sender has no acknowledgement and may send again. */
const PUBLISH_TIMEOUT_MS = 15_000

/** Read once, because the lookup takes a fifth of a millisecond. */
const SERVER_TIME_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone

/**
 * Accepts a message. Resolves when it is durable on the bus and in the history. Errors: `not_found` (another person's
 * conversation), `key_reused`, `busy` (too many messages wait), `unavailable`, `rejected` (attachments).
 */
export type Intake = MessageHandler

type IntakeDependencies = {
  liveUpdates: Pick<LiveUpdates, 'messageAccepted'>
  admission: Admission
  circuitBreaker: CircuitBreaker
}

export function openIntake(
  options: GatewayOptions,
  { liveUpdates, admission, circuitBreaker }: IntakeDependencies,
): Intake {
  const { history } = options.store
  const admit = async (incoming: InboundMessage & { conversation: string; id: string }) => {
    const releaseAdmission = await admission.admit(incoming)
    try {
      await circuitBreaker.run(() => acceptMessage(options, incoming))
    } finally {
      releaseAdmission()
    }
    liveUpdates.messageAccepted(incoming.conversation, incoming.id)
  }
  const reserveConversation = openConversationReservations(history)
  return async incoming => {
    const { key, text } = incoming
    const { owner, sender, senderName } = await resolveOwner(incoming, options)
    const conversation = incoming.conversation ?? (key === undefined ? newId() : keyedId(owner, '', key))
    const release = await reserveConversation(conversation, owner)
    try {
      const id = key === undefined ? newId() : keyedId(senderName, conversation, key)
      const previous = key === undefined ? undefined : await history.message(id)
      if (previous) checkSameText(previous.text, text)
      else await admit({ ...incoming, person: owner, sender, conversation, id })
      return { id, conversation, isDuplicate: previous !== undefined }
    } finally {
      release()
    }
  }
}

/**
 * Finds the owner of the conversation and the sender. A person who writes into a conversation of their group, or begins
 * one, is its sender, and the group is the owner. Errors: `not_found` for a person who is not a member.
 */
async function resolveOwner(
  { conversation, person, group, sender, address }: InboundMessage,
  { store, config }: GatewayOptions,
): Promise<{ owner: string; sender: Sender | undefined; senderName: string }> {
  const known = conversation === undefined ? undefined : await store.history.conversation(conversation)
  const owner =
    known && isGroup(known.person)
      ? known.person
      : group === undefined
        ? person
        : ownerForGroup(config, group, person)
  if (!isGroup(owner)) return { owner, sender, senderName: person }
  const member = isGroup(person) ? sender?.person : person
  if (member !== undefined && !mayUse(config, owner, member))
    throw new LaresError('not_found', `there is no conversation "${conversation}"`)
  const from = completeAddress(address, conversation ?? '')
  const groupSender = sender ?? personAsSender(person, from)
  return { owner, sender: groupSender, senderName: member ?? `${owner}:${groupSender.identity.user}` }
}

const completeAddress = (address: InboundAddress, conversation: string): Address => ({
  account: DEFAULT_ACCOUNT,
  chat: conversation,
  ...address,
})

/**
 * Publishes to the bus first and then writes the history. So every message that the history shows as queued gets a
 * reply.
 */
async function acceptMessage(
  options: GatewayOptions,
  incoming: InboundMessage & { conversation: string; id: string },
): Promise<void> {
  const { id, conversation, person, text } = incoming
  const address = completeAddress(incoming.address, conversation)
  const sender = incoming.sender ?? personAsSender(person, address)
  const time = new Date((options.now ?? Date.now)()).toISOString()
  await options.protection.keys.getOrCreate(person)
  await options.protection.keys.getOrCreate(keyOwnerOf(person, incoming.sender))
  const attachments = await storeAttachments(options.objects, { person, id }, incoming.attachments ?? [])
  const event = createRootEvent({
    id,
    source: '/lares/gateway',
    type: 'lares.message.received',
    conversation,
    time,
    data: {
      person,
      text,
      attachments,
      address,
      sender,
      principal: principalOf(person),
      language: detectLanguage(text),
      timeZone: incoming.timeZone ?? options.config.timeZone ?? SERVER_TIME_ZONE,
      ...(incoming.history && { history: incoming.history }),
      ...(incoming.instructions && { instructions: incoming.instructions }),
    },
  })
  await withTimeout(PUBLISH_TIMEOUT_MS, 'the bus', options.events.publish([event]).catch(toUnavailable))
  const stored = await options.store.history.accept({
    conversation,
    person,
    message: {
      id,
      role: 'user',
      text,
      inReplyTo: null,
      createdAt: time,
      status: 'queued',
      address,
      sender,
      ...summarizeAttachments(attachments),
    },
  })
  checkSameText(stored.text, text)
}

/** A missing topic is a passing error: the connector creates the topics at its first start. */
function toUnavailable(error: unknown): never {
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
 * A conversation belongs to the person who opened it. The store does not know it until its first message arrives there.
 * So this process reserves it meanwhile, and no other person can enter it.
 */
function openConversationReservations(history: History) {
  const reservations = new Map<string, { person: string; count: number }>()
  return async (conversation: string, person: string): Promise<() => void> => {
    const known = await history.conversation(conversation)
    const owner = known?.person ?? reservations.get(conversation)?.person ?? person
    if (owner !== person) throw new LaresError('not_found', `there is no conversation "${conversation}"`)
    const reservation = reservations.get(conversation) ?? { person, count: 0 }
    reservation.count += 1
    reservations.set(conversation, reservation)
    return () => {
      reservation.count -= 1
      if (reservation.count === 0) reservations.delete(conversation)
    }
  }
}
