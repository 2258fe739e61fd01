import { isSameAddress } from '#shared/contract/events/address.ts'
import type { EventData, Message, SkillResult } from '#shared/contract/events/event-types.ts'
import { onGeneration, onSkillResult } from '../events/result.ts'
import { phrasesIn } from '../messages.ts'
import { sendReply } from '../publishing.ts'
import type { QueueItem, Turn } from '../state.ts'
import { type StepContext, setMessageStatus } from '../step-context.ts'
import { recordFailure } from './completion.ts'
import { startTurn, toUserMessage } from './turn.ts'

type QueueItemOf<Kind extends QueueItem['kind']> = Extract<QueueItem, { kind: Kind }>

/** The most characters in the queue of a conversation. A second limit is on the number of its items. */
const MAX_QUEUED_CHARACTERS = 1_000_000

export function isQueueFull({ state, assistant }: StepContext): boolean {
  if (state.waiting.length >= assistant.maxWaiting) return true
  const characters = state.waiting.reduce((sum, item) => sum + characterCountOf(item), 0)
  return characters > MAX_QUEUED_CHARACTERS
}

function characterCountOf(item: QueueItem): number {
  if (item.kind === 'failure') return item.said.text.length
  const { text, instructions } = item.kind === 'message' ? item.recalled.message : item.turn.message
  return text.length + (instructions?.length ?? 0)
}

/** Takes items from the queue in order, until a turn runs or the queue is empty. */
export function processQueue(context: StepContext): void {
  const { state } = context
  while (!state.turn) {
    const next = state.waiting.shift()
    if (!next) return
    if (next.kind === 'failure') replyWithFailure(context, next)
    else if (next.kind === 'revival') resumeFailedTurn(context, next)
    else startTurn(context, [next, ...dequeueMergedMessages(context, next)], next.isLate)
  }
}

/**
 * In mode `merge`, takes the messages right behind one that have its sender and address, so that one turn answers all.
 */
function dequeueMergedMessages(
  { state, assistant }: StepContext,
  next: QueueItemOf<'message'>,
): QueueItemOf<'message'>[] {
  if (assistant.mode !== 'merge' || next.isLate) return []
  const isMerged = (item: QueueItem): boolean =>
    item.kind === 'message' && !item.isLate && hasSameOrigin(item.recalled.message, next.recalled.message)
  const end = state.waiting.findIndex(item => !isMerged(item))
  return state.waiting.splice(0, end < 0 ? state.waiting.length : end) as QueueItemOf<'message'>[]
}

const hasSameOrigin = (a: Message, b: Message): boolean =>
  isSameAddress(a.address, b.address) &&
  a.sender.person === b.sender.person &&
  a.sender.identity.user === b.sender.identity.user

export function replyWithFailure(
  context: StepContext,
  { said, person, address, language, text }: QueueItemOf<'failure'>,
): void {
  sendReply(context, { person, address, language, text, status: 'failed', said: [said] })
  recordFailure(context, { messages: [said.id], turn: null })
}

function resumeFailedTurn(context: StepContext, { turn, event }: QueueItemOf<'revival'>): void {
  context.state.turn = turn
  setMessageStatus(context, turn.said, 'answering')
  applyTurnResult(context, turn, event)
}

/** The result of the model or a skill for a turn. */
export type TurnResult = QueueItemOf<'revival'>['event']

export function applyTurnResult(context: StepContext, turn: Turn, { type, data }: TurnResult): void {
  if (type === 'lares.generation.completed')
    onGeneration(context, turn, data as EventData<'lares.generation.completed'>)
  else onSkillResult(context, turn, data as SkillResult)
}

/** Empties the queue and replies to each dropped message. `keepLate` leaves the late items in it. */
export function clearQueue(context: StepContext, { keepLate }: { keepLate: boolean }): void {
  const { state } = context
  const dropped = state.waiting
  state.waiting = keepLate ? dropped.filter(isLateItem) : []
  for (const item of dropped) {
    if (item.kind === 'failure') replyWithFailure(context, item)
    else if (!isLateItem(item)) replyInterrupted(context, item as QueueItemOf<'message'>)
  }
}

const isLateItem = (item: QueueItem): boolean =>
  item.kind === 'revival' || (item.kind === 'message' && item.isLate)

function replyInterrupted(context: StepContext, item: QueueItemOf<'message'>): void {
  const { person, address, language } = item.recalled.message
  const text = phrasesIn(language).interrupted
  const said = [toUserMessage(item)]
  sendReply(context, { person, address, language, text, status: 'interrupted', said })
}
