import type { Sender } from '#shared/contract/events/address.ts'
import { phrasesIn } from '../messages.ts'
import { newestEntries } from '../prompt/transcript.ts'
import { sendReply } from '../publishing.ts'
import { MAX_FAILED_TURNS, type Turn } from '../state.ts'
import { markSettled, type StepContext, setMessageStatus } from '../step-context.ts'
import { groupSender } from './sender.ts'

/** Sends the answer and ends the turn. */
export function endTurn(
  context: StepContext,
  turn: Turn,
  text: string,
  status: 'completed' | 'failed' = 'completed',
): void {
  const { message, said, usage, id } = turn
  const { person, address, language } = message
  // The words of this turn's messages. `message` may be an earlier one, when this turn's words answer a question about
  // it.
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

/** Ends the running turn in favour of a newer message. */
export function interruptTurn(context: StepContext, turn: Turn): void {
  abortTurn(context, turn, 'interrupted', phrasesIn(turn.message.language).interrupted)
}

/** Ends the running turn with an apology. Dialog keeps the turn, because somebody may put the dead letter back. */
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

/** Ends the running turn early. For a late turn it sends no reply, because the person already knows that it failed. */
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
