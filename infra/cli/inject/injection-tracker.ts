import { hasTurnEnded, type MessageRow } from '../gateway-client.ts'
import type { MessageRef } from './injection-report.ts'

type ConversationState = {
  /** In the order of sending. */
  acknowledged: MessageRef[]
  sentAtMs: Map<string, number>
  /** The time at which the end of each message's turn was seen. */
  endedAtMs: Map<string, number>
  /** Messages without acknowledgement, and acknowledged messages without an answer. */
  unacknowledged: number
  unanswered: number
}

export type MessageCounts = { sent: number; acknowledged: number; answered: number }

/** Counts the messages in progress, and watches the conversations with unanswered messages. */
export type InjectionTracker = {
  counts: MessageCounts
  recordOffered(conversation: string): void
  recordAcknowledged(place: MessageRef, sentAtMs: number): void
  recordRefused(conversation: string): void
  recordRow(conversation: string, row: MessageRow): void
  /** The acknowledged messages of each conversation. */
  acknowledgedMessages(): Map<string, MessageRef[]>
  /** The latencies of all answered messages in milliseconds, from sending to reply. */
  latencies(): number[]
}

type ConversationWatch = { watch(conversation: string): void; unwatch(conversation: string): void }

export function openInjectionTracker(watch: ConversationWatch, onChange: () => void): InjectionTracker {
  const states = new Map<string, ConversationState>()
  const counts: MessageCounts = { sent: 0, acknowledged: 0, answered: 0 }
  const stateOf = (conversation: string): ConversationState => {
    const known = states.get(conversation)
    if (known) return known
    const state: ConversationState = {
      acknowledged: [],
      sentAtMs: new Map(),
      endedAtMs: new Map(),
      unacknowledged: 0,
      unanswered: 0,
    }
    states.set(conversation, state)
    return state
  }
  const updateWatch = (conversation: string, state: ConversationState) => {
    if (state.unanswered > 0) watch.watch(conversation)
    else if (state.unacknowledged === 0) watch.unwatch(conversation)
    onChange()
  }
  const addAcknowledged = (state: ConversationState, message: MessageRef, sentAtMs: number) => {
    state.acknowledged.push(message)
    state.sentAtMs.set(message.id, sentAtMs)
    counts.acknowledged++
    if (state.endedAtMs.has(message.id)) counts.answered++
    else state.unanswered++
  }
  return {
    counts,
    recordOffered(conversation) {
      stateOf(conversation).unacknowledged++
      counts.sent++
    },
    recordAcknowledged(message, sentAtMs) {
      const state = stateOf(message.conversation)
      state.unacknowledged--
      // A message sent again under its key is the same message.
      if (!state.sentAtMs.has(message.id)) addAcknowledged(state, message, sentAtMs)
      updateWatch(message.conversation, state)
    },
    recordRefused(conversation) {
      const state = stateOf(conversation)
      state.unacknowledged--
      updateWatch(conversation, state)
    },
    recordRow(conversation, row) {
      const state = stateOf(conversation)
      const id = endedMessageId(row)
      if (id === undefined || state.endedAtMs.has(id)) return
      state.endedAtMs.set(id, performance.now())
      if (!state.sentAtMs.has(id)) return
      state.unanswered--
      counts.answered++
      updateWatch(conversation, state)
    },
    acknowledgedMessages: () =>
      new Map([...states].map(([conversation, { acknowledged }]) => [conversation, acknowledged])),
    latencies: () => [...states.values()].flatMap(latenciesOf),
  }
}

/** The message whose turn this row ends: by its reply, or by the status of a merged message. */
function endedMessageId({ id, role, inReplyTo, status }: MessageRow): string | undefined {
  if (role === 'assistant') return inReplyTo ?? undefined
  return hasTurnEnded(status) ? id : undefined
}

const latenciesOf = ({ sentAtMs, endedAtMs }: ConversationState): number[] =>
  [...sentAtMs].flatMap(([id, at]) => {
    const endedAt = endedAtMs.get(id)
    return endedAt === undefined ? [] : [endedAt - at]
  })
