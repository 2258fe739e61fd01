import { recogniseLanguage } from '#shared/language/detection.ts'
import { packs } from '#shared/language/packs.ts'
import { parseCommand, runCommand } from '../commands.ts'
import { phrasesIn } from '../messages.ts'
import { newestEntries } from '../prompt/transcript.ts'
import { sendReply } from '../publishing.ts'
import { type DialogState, isKnownMessage, type RecalledMessage } from '../state.ts'
import { type StepContext, setMessageStatus } from '../step-context.ts'
import { interruptTurn, recordFailure } from '../turn/completion.ts'
import { clearQueue, isQueueFull } from '../turn/queue.ts'
import { type ReceivedMessage, toUserMessage } from '../turn/turn.ts'

/**
 * Takes a message in. Dialog answers a command at once and queues any other message, if only until the end of this
 * step.
 */
export function onMessage(context: StepContext, id: string, received: RecalledMessage): void {
  const { state } = context
  const isLate = state.failed.some(({ messages }) => messages.includes(id))
  // The message itself replaces its own failure that is not reported yet.
  state.waiting = state.waiting.filter(item => item.kind !== 'failure' || item.said.id !== id)
  if (!isLate && isKnownMessage(state, id)) {
    context.debugMessages.push('the message was taken already')
    return
  }
  state.failed = state.failed.filter(({ messages }) => !messages.includes(id))
  const recalled = inLanguageOfConversation(received, state)
  state.timeZone = recalled.message.timeZone
  state.address = recalled.message.address
  const command = parseCommand(recalled.message.text)
  if (command) runCommand(context, command, { id, recalled })
  else if (isLate) queueLateMessage(context, { id, recalled })
  else if (context.assistant.mode === 'interrupt') interruptAndQueue(context, { id, recalled })
  else queueMessage(context, { id, recalled })
}

/** "5" or "/help" shows no language. Such a message gets the language of the messages before it. */
function inLanguageOfConversation(recalled: RecalledMessage, state: DialogState): RecalledMessage {
  const language = recogniseLanguage(recalled.message.text)
  if (language !== undefined) state.language = language
  // A client that names a language other than the default knows the language.
  const isNamed = recalled.message.language !== packs[0].tag
  if (language !== undefined || state.language === undefined || isNamed) return recalled
  return { ...recalled, message: { ...recalled.message, language: state.language } }
}

function queueLateMessage(context: StepContext, { id, recalled }: ReceivedMessage): void {
  if (context.state.turn && isQueueFull(context)) recordFailure(context, { messages: [id], turn: null })
  else context.state.waiting.push({ kind: 'message', id, recalled: trimHistory(recalled), isLate: true })
}

function interruptAndQueue(context: StepContext, { id, recalled }: ReceivedMessage): void {
  const { state } = context
  if (state.turn) interruptTurn(context, state.turn)
  clearQueue(context, { keepLate: true })
  state.waiting.unshift({ kind: 'message', id, recalled: trimHistory(recalled), isLate: false })
}

function queueMessage(context: StepContext, { id, recalled }: ReceivedMessage): void {
  const said = [toUserMessage({ id, recalled })]
  const { person, address, language } = recalled.message
  if (context.state.turn && isQueueFull(context)) {
    const text = phrasesIn(language).queueFull
    sendReply(context, { person, address, language, text, status: 'failed', said })
  } else {
    setMessageStatus(context, said, 'queued')
    context.state.waiting.push({ kind: 'message', id, recalled: trimHistory(recalled), isLate: false })
  }
}

/** Trims the history that a caller sends along to the part that a prompt will repeat. */
function trimHistory(recalled: RecalledMessage): RecalledMessage {
  const { history, ...message } = recalled.message
  return { ...recalled, message: { ...message, ...(history && { history: newestEntries(history) }) } }
}
