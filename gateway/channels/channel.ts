import type { Address, Sender } from '../../shared/contract/events/address.ts'
import type { Message, Reply } from '../../shared/contract/events/event-types.ts'
import type { AttachmentUpload } from '../ingress/attachments.ts'

/** A reply on its way to its address. `id` is the same for every send. */
export type Delivery = Pick<Reply, 'person' | 'address' | 'inReplyTo' | 'answers' | 'text' | 'status'> & {
  id: string
  conversation: string
  /** The reply's creation time: ISO 8601, UTC. */
  time: string
}

/**
 * The address of an incoming message. The default chat is the conversation's own; the default account is the channel's
 * only one.
 */
export type InboundAddress = Pick<Address, 'channel'> & Partial<Address>

/** `person` is the owner of the conversation, or a member of the group that owns it. */
export type InboundMessage = Pick<Message, 'person' | 'text' | 'history' | 'instructions'> & {
  address: InboundAddress
  /** Default: the person who owns the conversation. */
  sender?: Sender | undefined
  /** The group that owns the new conversation, when a person begins one for a group. */
  group?: string | undefined
  /** Undefined for a new conversation. */
  conversation?: string | undefined
  /** The sender's key for this message. A message sent again under the same key is the same message. */
  key?: string | undefined
  timeZone?: string | undefined
  attachments?: AttachmentUpload[] | undefined
}

/** `isDuplicate` means that the gateway had accepted the message before and did nothing now. */
export type AcceptedMessage = { id: string; conversation: string; isDuplicate: boolean }

/**
 * Accepts a message and resolves when it is durable. Errors: `not_found` (another owner's conversation), `key_reused`,
 * `busy` and `unavailable` (the channel lets the other side send it again), `rejected`.
 */
export type MessageHandler = (incoming: InboundMessage) => Promise<AcceptedMessage>

/** The abilities of a channel. Only the suite reads them yet: `send` cuts long texts and paces itself. */
export type ChannelCapabilities = {
  /** The markup of outgoing texts. */
  markup: 'markdown' | 'html' | 'plain'
  /** The longest text of one message, in UTF-16 units; null for no limit. */
  maxTextUnits: number | null
  /** Whether the channel can change a message after sending it, to show a reply while it grows. */
  edits: boolean
  threads: boolean
  reactions: boolean
  typing: boolean
  /** Null when the channel carries no files. */
  attachments: { maxCount: number; maxBytes: number } | null
  /** Whether the other side recognises the id of a delivery, and shows a repeated one only once. */
  isIdempotent: boolean
  maxSendsPerSecond: number | null
}

/** The base for a channel, which then names only its own abilities. */
export const PLAIN_CAPABILITIES: ChannelCapabilities = {
  markup: 'plain',
  maxTextUnits: null,
  edits: false,
  threads: false,
  reactions: false,
  typing: false,
  attachments: null,
  isIdempotent: false,
  maxSendsPerSecond: null,
}

/**
 * A way in, a way out, or both. Drivers: `web` and `openai` (in; their clients read replies from the history),
 * `webhook` (out). `channel.suite.ts` runs on each; docs/channels.md says how to write one.
 *
 * Guarantees.
 * In: the other side gets its acknowledgement only after the handler has resolved. So no acknowledged message is lost
 * (P1). The other side sends an unacknowledged message again under the same key.
 * Out: after a crash between the other side's acceptance and the ledger's record of it, the channel sends the delivery
 * again under the same id. A channel without an idempotency key shows it twice, and says so in its comment.
 */
export type Channel = {
  /** Unique in a gateway; also names the consumer group of its deliveries. */
  name: string
  /** The channel type, as in addresses. */
  type: string
  account: string
  capabilities: ChannelCapabilities
  /** Starts receiving and gives each message to `handler`. Missing for a channel that only sends. */
  receive?(handler: MessageHandler): Promise<void>
  /**
   * Resolves when the other side has accepted the delivery; must end by itself within some seconds. Missing for a
   * channel whose clients read the history. Errors: the dispatcher retries after retryable ones (heeding
   * `retryAfterMs`); any other error is final for this delivery.
   */
  send?(delivery: Delivery, address: Address): Promise<void>
  /** Whether this channel sends the reply. Default: when the reply's address has this type and account. */
  accepts?(delivery: Delivery): boolean
  /** How long the dispatcher keeps trying to deliver a reply after its creation; default: one day. */
  giveUpAfterMs?: number
  close?(): Promise<void>
}

/** A channel that delivers replies. */
export type OutboundChannel = Channel & Required<Pick<Channel, 'send'>>

export const isOutbound = (channel: Channel): channel is OutboundChannel => channel.send !== undefined

export const isForChannel = (channel: Channel, delivery: Delivery): boolean =>
  channel.accepts?.(delivery) ??
  (delivery.address.channel === channel.type && delivery.address.account === channel.account)
