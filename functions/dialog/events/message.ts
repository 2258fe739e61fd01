import { commandIn, runCommand } from '../commands.ts'
import { tooMany } from '../messages.ts'
import { newest } from '../prompt/transcript.ts'
import { isKnown, type Recalled } from '../state.ts'
import { markSaid, sayReply, type Work } from '../step-context.ts'
import { interruptTurn, keepFailed } from '../turn/completion.ts'
import { dropWaiting, isFull } from '../turn/queue.ts'
import { saidOf, type Taken } from '../turn/turn.ts'

/** Takes a message in: it is answered at once if it is a command, else it waits, if only for the end of this step. */
export function takeMessage(work: Work, id: string, recalled: Recalled): void {
  const { state } = work
  const isLate = state.failed.some(({ messages }) => messages.includes(id))
  // A failure that is not told yet is averted by the message itself.
  state.waiting = state.waiting.filter(item => item.kind !== 'failure' || item.said.id !== id)
  if (!isLate && isKnown(state, id)) {
    work.notes.push('the message was taken already')
    return
  }
  state.failed = state.failed.filter(({ messages }) => !messages.includes(id))
  state.timeZone = recalled.message.timeZone
  const command = commandIn(recalled.message.text)
  if (command) runCommand(work, command, { id, recalled })
  else if (isLate) queueLate(work, { id, recalled })
  else if (work.assistant.mode === 'interrupt') takeOver(work, { id, recalled })
  else queue(work, { id, recalled })
}

function queueLate(work: Work, { id, recalled }: Taken): void {
  if (work.state.turn && isFull(work)) keepFailed(work, { messages: [id], turn: null })
  else work.state.waiting.push({ kind: 'message', id, recalled: trimmed(recalled), isLate: true })
}

function takeOver(work: Work, { id, recalled }: Taken): void {
  const { state } = work
  if (state.turn) interruptTurn(work, state.turn)
  dropWaiting(work, { keepLate: true })
  state.waiting.unshift({ kind: 'message', id, recalled: trimmed(recalled), isLate: false })
}

function queue(work: Work, { id, recalled }: Taken): void {
  const said = [saidOf({ id, recalled })]
  const { person, language } = recalled.message
  if (work.state.turn && isFull(work)) {
    sayReply(work, { person, language, text: tooMany[language], status: 'failed', said })
  } else {
    markSaid(work, said, 'queued')
    work.state.waiting.push({ kind: 'message', id, recalled: trimmed(recalled), isLate: false })
  }
}

/** What a caller brings along is kept only as far as a prompt will repeat it. */
function trimmed(recalled: Recalled): Recalled {
  const { history, ...message } = recalled.message
  return { ...recalled, message: { ...message, ...(history && { history: newest(history) }) } }
}
