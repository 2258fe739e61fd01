import type { Address, Sender } from '../../shared/contract/events/address.ts'
import type { Message, Reply } from '../../shared/contract/events/event-types.ts'
import type { AttachmentUpload } from '../ingress/attachments.ts'

/** A reply on its way to its address; `id` is the same however often it is sent. */
export type Delivery = Pick<Reply, 'person' | 'address' | 'inReplyTo' | 'answers' | 'text' | 'status'> & {
  id: string
  conversation: string
  /** When it was made: ISO 8601, UTC. */
  time: string
}

/** Where a message came from; without a chat it is the conversation's own, without an account the channel's only one. */
export type InboundAddress = Pick<Address, 'channel'> & Partial<Address>

/** `person` is the owner of the conversation, or a member of the group that owns it. */
export type InboundMessage = Pick<Message, 'person' | 'text' | 'history' | 'instructions'> & {
  address: InboundAddress
  /** Without it the person who owns the conversation. */
  sender?: Sender | undefined
  /** The group that a new conversation belongs to, if the person begins one for a group. */
  group?: string | undefined
  /** None: a new one. */
  conversation?: string | undefined
  /** The sender's name for this message: sent again under the same key, it is the same message. */
  key?: string | undefined
  timeZone?: string | undefined
  attachments?: AttachmentUpload[] | undefined
}

/** `isDuplicate`: it had been accepted before, and nothing was done now. */
export type AcceptedMessage = { id: string; conversation: string; isDuplicate: boolean }

/**
 * Takes a message: resolves when it is durable. Errors: `not_found` (another owner's conversation), `key_reused`, `busy`
 * and `unavailable` (the channel lets it come again), `rejected`.
 */
export type MessageHandler = (incoming: InboundMessage) => Promise<AcceptedMessage>

/** What a channel can do; whatever is written once for all channels heeds this. */
export type ChannelCapabilities = {
  /** How a text is marked up when it is sent. */
  markup: 'markdown' | 'html' | 'plain'
  /** The longest text of one message, in UTF-16 units; null for no limit. */
  maxTextUnits: number | null
  /** A message that was sent can be changed, so that a reply can be shown as it grows. */
  edits: boolean
  threads: boolean
  reactions: boolean
  typing: boolean
  /** Null when the channel carries no files. */
  attachments: { maxCount: number; maxBytes: number } | null
  /** The other side knows the id of a delivery, and shows one that comes twice once. */
  isIdempotent: boolean
  maxSendsPerSecond: number | null
}

/** For a channel to name only what it can do. */
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
 * A way in, a way out, or both. Drivers: `web` and `openai` (in; their clients read replies from the history), `webhook`
 * (out). `channel.suite.ts` runs on each; docs/channels.md says how to write one.
 *
 * Promises. In: the other side gets its acknowledgement after the handler has resolved, never before, so what is
 * acknowledged is not lost (P1); what is not acknowledged comes again under the same key. Out: a crash between the other
 * side's taking a delivery and our record of that makes the delivery come a second time under the same id; a channel
 * without an idempotency key shows it twice, and says so in its comment.
 */
export type Channel = {
  /** Unique in a gateway; also names the consumer group of its deliveries. */
  name: string
  /** As addresses say it. */
  type: string
  account: string
  capabilities: ChannelCapabilities
  /** Begins to take messages; each is handed to `handler`. Not there for a channel that only sends. */
  receive?(handler: MessageHandler): Promise<void>
  /**
   * Resolves when the other side has taken it; it must end by itself within some seconds. Not there for a channel whose
   * clients read the history. Errors: retryable ones are tried again (heeding `retryAfterMs`), any other is final for
   * this delivery.
   */
  send?(delivery: Delivery, address: Address): Promise<void>
  /** Whether a reply goes out here; default: when its address has this type and account. */
  accepts?(delivery: Delivery): boolean
  /** How long after it was made a reply is still tried; default a day. */
  giveUpAfterMs?: number
  close?(): Promise<void>
}

/** A channel that replies are pushed to. */
export type OutboundChannel = Channel & Required<Pick<Channel, 'send'>>

export const isOutbound = (channel: Channel): channel is OutboundChannel => channel.send !== undefined

export const isForChannel = (channel: Channel, delivery: Delivery): boolean =>
  channel.accepts?.(delivery) ??
  (delivery.address.channel === channel.type && delivery.address.account === channel.account)
