import { hasTurnEnded, type MessageRow } from '../gateway-client.ts'

/** A message that the gateway acknowledged. */
export type MessageRef = { id: string; conversation: string }

export type InjectionReport = {
  conversations: number
  /** Messages offered to the gateway. Those that it did not accept are `refused`, with the count of each reason. */
  sent: number
  /** Distinct messages: a message sent again under its key counts once. */
  acknowledged: number
  refused: number
  reasons: Record<string, number>
  /** Attempts beyond the first. */
  retries: number
  /** Acknowledged messages by outcome. Messages answered together with a later one are `merged`. */
  replied: number
  failed: number
  interrupted: number
  merged: number
  missing: MessageRef[]
  /** Messages with more than one reply. */
  duplicates: (MessageRef & { replies: number })[]
  /** Messages whose reply precedes the reply to an earlier message. */
  outOfOrder: MessageRef[]
  /** From sending to reply; null without any reply. */
  latencyMs: { p50: number; p95: number; p99: number; max: number } | null
  durationMs: number
  /** No message is refused or missing, and no reply is repeated or out of order. */
  ok: boolean
}

/** The outcomes of the messages of one conversation, from its whole history. */
export type MessageOutcomes = Pick<
  InjectionReport,
  'replied' | 'failed' | 'interrupted' | 'merged' | 'missing' | 'duplicates' | 'outOfOrder'
>

export const noOutcomes = (): MessageOutcomes => ({
  replied: 0,
  failed: 0,
  interrupted: 0,
  merged: 0,
  missing: [],
  duplicates: [],
  outOfOrder: [],
})

/** `messages` are in the order of sending, `history` is oldest first. */
export function classifyMessages(messages: MessageRef[], history: MessageRow[]): MessageOutcomes {
  const outcomes = noOutcomes()
  const replies = Map.groupBy(
    history.filter(({ role, inReplyTo }) => role === 'assistant' && inReplyTo !== null),
    ({ inReplyTo }) => inReplyTo!,
  )
  const statuses = new Map(history.map(({ id, status }) => [id, status]))
  for (const [index, message] of messages.entries()) {
    const own = replies.get(message.id) ?? []
    if (own.length > 1) outcomes.duplicates.push({ ...message, replies: own.length })
    if (own[0]) countReply(outcomes, own[0])
    else if (isMerged(message, messages.slice(index + 1), statuses, replies)) outcomes.merged++
    else outcomes.missing.push(message)
  }
  outcomes.outOfOrder = findOutOfOrder(messages, history)
  return outcomes
}

function countReply(outcomes: MessageOutcomes, { status }: MessageRow): void {
  if (status === 'failed') outcomes.failed++
  else if (status === 'interrupted') outcomes.interrupted++
  else outcomes.replied++
}

/** Whether a message's turn ended without its own reply, and a later message of the conversation has one. */
function isMerged(
  { id }: MessageRef,
  later: MessageRef[],
  statuses: Map<string, MessageRow['status']>,
  replies: Map<string, MessageRow[]>,
): boolean {
  return hasTurnEnded(statuses.get(id)) && later.some(({ id }) => replies.has(id))
}

function findOutOfOrder(messages: MessageRef[], history: MessageRow[]): MessageRef[] {
  const positions = new Map(messages.map(({ id }, index) => [id, index]))
  const found: MessageRef[] = []
  // The loop starts at the end, so that it finds the reply that came too early.
  let lowest = Number.POSITIVE_INFINITY
  for (const { role, inReplyTo } of history.toReversed()) {
    const position = role === 'assistant' && inReplyTo !== null ? positions.get(inReplyTo) : undefined
    if (position === undefined) continue
    if (position > lowest) found.unshift(messages[position]!)
    lowest = Math.min(lowest, position)
  }
  return found
}

/** Percentiles by nearest rank. */
export function percentilesOf(latencies: number[]): InjectionReport['latencyMs'] {
  if (latencies.length === 0) return null
  const sorted = latencies.toSorted((a, b) => a - b)
  const rank = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]!
  return { p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), max: sorted.at(-1)! }
}
