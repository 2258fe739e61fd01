import { interrupted } from '../messages.ts'
import { newest } from '../prompt/transcript.ts'
import { MAX_FAILED, type Turn } from '../state.ts'
import { markSaid, sayReply, settle, type Work } from '../step-context.ts'

/** Says the answer. */
export function endTurn(
  work: Work,
  turn: Turn,
  text: string,
  status: 'completed' | 'failed' = 'completed',
): void {
  const { message, said, usage, id } = turn
  const { person, language } = message
  // What was said now, which is not the message when it tells what an earlier one meant.
  const question = said.map(({ text }) => text).join('\n')
  sayReply(work, { person, language, text, status, said, question, usage, correlationid: id })
  if (status === 'completed' && !turn.isForgotten) {
    remember(work, question, text)
    if (turn.asks) work.state.question = { kind: 'more', ...turn.asks }
  }
  work.state.turn = null
}

function remember({ state }: Work, question: string, answer: string): void {
  state.transcript = newest([
    ...state.transcript,
    { role: 'user', text: question },
    { role: 'assistant', text: answer },
  ])
}

/** Ends the running turn for something newer. */
export function interruptTurn(work: Work, turn: Turn): void {
  breakOff(work, turn, 'interrupted', interrupted[turn.message.language])
}

/** Ends the running turn with an apology, and keeps it in case that what failed is put back. */
export function failTurn(work: Work, turn: Turn, text: string): void {
  breakOff(work, turn, 'failed', text)
  keepFailed(work, { messages: turn.said.map(({ id }) => id), turn: { ...turn, isLate: true } })
}

export function keepFailed({ state }: Work, entry: { messages: string[]; turn: Turn | null }): void {
  state.failed = [...state.failed, entry].slice(-MAX_FAILED)
}

/** Of a turn that goes on late the person has heard already that it failed. */
function breakOff(work: Work, turn: Turn, status: 'interrupted' | 'failed', text: string): void {
  const { person, language } = turn.message
  if (turn.isLate) markSaid(work, turn.said, 'failed')
  else sayReply(work, { person, language, text, status, said: turn.said, usage: turn.usage })
  settle(
    work,
    turn.said.map(({ id }) => id),
  )
  work.state.turn = null
}
