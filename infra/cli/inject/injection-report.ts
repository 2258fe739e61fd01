import { hasTurnEnded, type MessageRow } from '../gateway-client.ts'

/** A message that was acknowledged. */
export type MessageRef = { id: string; conversation: string }

export type InjectionReport = {
  conversations: number
  /** Messages offered to the gateway; those that it did not take are `refused`, with how often it gave which reason. */
  sent: number
  /** Different messages: one sent again under its key counts once. */
  acknowledged: number
  refused: number
  reasons: Record<string, number>
  /** Tries beyond the first. */
  retries: number
  /** Acknowledged messages by what became of them; those answered together with a later one are `merged`. */
  replied: number
  failed: number
  interrupted: number
  merged: number
  missing: MessageRef[]
  /** Messages with more than one reply. */
  duplicates: (MessageRef & { replies: number })[]
  /** Messages whose reply stands before the reply to an earlier one. */
  outOfOrder: MessageRef[]
  /** From sending to reply; null when nothing was answered. */
  latencyMs: { p50: number; p95: number; p99: number; max: number } | null
  durationMs: number
  /** Nothing is refused, missing, said twice or out of order. */
  ok: boolean
}

/** What became of the messages of one conversation, by its whole history. */
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

/** `messages` in the order they were sent, `history` oldest first. */
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

/** Its turn ended without a reply of its own, and a later message of the conversation has one. */
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
  // From the end, so that it is the one that came too early that is named.
  let lowest = Number.POSITIVE_INFINITY
  for (const { role, inReplyTo } of history.toReversed()) {
    const position = role === 'assistant' && inReplyTo !== null ? positions.get(inReplyTo) : undefined
    if (position === undefined) continue
    if (position > lowest) found.unshift(messages[position]!)
    lowest = Math.min(lowest, position)
  }
  return found
}

/** By nearest rank. */
export function percentilesOf(latencies: number[]): InjectionReport['latencyMs'] {
  if (latencies.length === 0) return null
  const sorted = latencies.toSorted((a, b) => a - b)
  const rank = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]!
  return { p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), max: sorted.at(-1)! }
}
