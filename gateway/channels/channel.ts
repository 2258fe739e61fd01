import type { Reply } from '../../shared/contract/events/event-types.ts'

/** A reply on its way to a person; `id` is the same however often it is sent. */
export type Delivery = Pick<Reply, 'person' | 'address' | 'inReplyTo' | 'answers' | 'text' | 'status'> & {
  id: string
  conversation: string
  /** When it was made: ISO 8601, UTC. */
  time: string
}

/**
 * A channel that replies are pushed to. Drivers: `webhook`.
 *
 * A crash between its taking a delivery and our record of that makes the delivery come a second time under the same id.
 * A channel that knows the id drops it; one whose protocol carries no id shows it twice, and says so in its comment.
 */
export type Channel = {
  name: string
  /** Whether a reply is for this channel, by its address. All other replies go elsewhere. */
  accepts(delivery: Delivery): boolean
  /** How long after it was made a reply is still tried. */
  giveUpAfterMs: number
  /**
   * Resolves when the other side has taken it; it must end by itself within some seconds.
   * Errors: retryable ones are tried again (heeding `retryAfterMs`), any other is final for this delivery.
   */
  send(delivery: Delivery): Promise<void>
}
