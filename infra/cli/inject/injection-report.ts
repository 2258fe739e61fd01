import { isOver, type Row } from '../gateway-client.ts'

/** A message that was acknowledged. */
export type Place = { id: string; conversation: string }

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
  missing: Place[]
  /** Messages with more than one reply. */
  duplicates: (Place & { replies: number })[]
  /** Messages whose reply stands before the reply to an earlier one. */
  outOfOrder: Place[]
  /** From sending to reply; null when nothing was answered. */
  latencyMs: { p50: number; p95: number; p99: number; max: number } | null
  durationMs: number
  /** Nothing is refused, missing, said twice or out of order. */
  ok: boolean
}

/** What became of the messages of one conversation, by its whole history. */
export type Fate = Pick<
  InjectionReport,
  'replied' | 'failed' | 'interrupted' | 'merged' | 'missing' | 'duplicates' | 'outOfOrder'
>

export const noFate = (): Fate => ({
  replied: 0,
  failed: 0,
  interrupted: 0,
  merged: 0,
  missing: [],
  duplicates: [],
  outOfOrder: [],
})

/** `messages` in the order they were sent, `history` oldest first. */
export function fateOf(messages: Place[], history: Row[]): Fate {
  const fate = noFate()
  const replies = Map.groupBy(
    history.filter(({ role, inReplyTo }) => role === 'assistant' && inReplyTo !== null),
    ({ inReplyTo }) => inReplyTo!,
  )
  const statuses = new Map(history.map(({ id, status }) => [id, status]))
  for (const [index, message] of messages.entries()) {
    const own = replies.get(message.id) ?? []
    if (own.length > 1) fate.duplicates.push({ ...message, replies: own.length })
    if (own[0]) countReply(fate, own[0])
    else if (isMerged(message, messages.slice(index + 1), statuses, replies)) fate.merged++
    else fate.missing.push(message)
  }
  fate.outOfOrder = disordered(messages, history)
  return fate
}

function countReply(fate: Fate, { status }: Row): void {
  if (status === 'failed') fate.failed++
  else if (status === 'interrupted') fate.interrupted++
  else fate.replied++
}

/** Its turn ended without a reply of its own, and a later message of the conversation has one. */
function isMerged(
  { id }: Place,
  later: Place[],
  statuses: Map<string, Row['status']>,
  replies: Map<string, Row[]>,
): boolean {
  return isOver(statuses.get(id)) && later.some(({ id }) => replies.has(id))
}

function disordered(messages: Place[], history: Row[]): Place[] {
  const positions = new Map(messages.map(({ id }, index) => [id, index]))
  const found: Place[] = []
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
