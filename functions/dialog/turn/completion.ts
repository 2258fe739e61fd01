import type { Sender } from '#shared/contract/events/address.ts'
import { phrasesIn } from '../messages.ts'
import { newestEntries } from '../prompt/transcript.ts'
import { sendReply } from '../publishing.ts'
import { MAX_FAILED_TURNS, type Turn } from '../state.ts'
import { markSettled, type StepContext, setMessageStatus } from '../step-context.ts'
import { groupSender } from './sender.ts'

/** Says the answer. */
export function endTurn(
  context: StepContext,
  turn: Turn,
  text: string,
  status: 'completed' | 'failed' = 'completed',
): void {
  const { message, said, usage, id } = turn
  const { person, address, language } = message
  // What was said now, which is not the message when it tells what an earlier one meant.
  const question = said.map(({ text }) => text).join('\n')
  sendReply(context, {
    person,
    address,
    language,
    text,
    status,
    said,
    question,
    usage,
    correlationid: id,
  })
  if (status === 'completed' && !turn.isForgotten) {
    appendToTranscript(context, { question, text, ...groupSender(message) })
    if (turn.asks) context.state.question = { kind: 'more', ...turn.asks, ...groupSender(message) }
  }
  context.state.turn = null
}

function appendToTranscript(
  { state }: StepContext,
  { question, text, ...rest }: { question: string; text: string; sender?: Sender },
): void {
  state.transcript = newestEntries([
    ...state.transcript,
    { role: 'user', text: question, ...rest },
    { role: 'assistant', text, ...rest },
  ])
}

/** Ends the running turn for something newer. */
export function interruptTurn(context: StepContext, turn: Turn): void {
  abortTurn(context, turn, 'interrupted', phrasesIn(turn.message.language).interrupted)
}

/** Ends the running turn with an apology, and keeps it in case that what failed is put back. */
export function failTurn(context: StepContext, turn: Turn, text: string): void {
  abortTurn(context, turn, 'failed', text)
  recordFailure(context, { messages: turn.said.map(({ id }) => id), turn: { ...turn, isLate: true } })
}

export function recordFailure(
  { state }: StepContext,
  entry: { messages: string[]; turn: Turn | null },
): void {
  state.failed = [...state.failed, entry].slice(-MAX_FAILED_TURNS)
}

/** Of a turn that goes on late the person has heard already that it failed. */
function abortTurn(context: StepContext, turn: Turn, status: 'interrupted' | 'failed', text: string): void {
  const { person, address, language } = turn.message
  if (turn.isLate) setMessageStatus(context, turn.said, 'failed')
  else sendReply(context, { person, address, language, text, status, said: turn.said, usage: turn.usage })
  markSettled(
    context,
    turn.said.map(({ id }) => id),
  )
  context.state.turn = null
}
