import { helpText, phrasesIn, statusText } from './messages.ts'
import { sendReply } from './publishing.ts'
import type { StepContext } from './step-context.ts'
import { interruptTurn } from './turn/completion.ts'
import { clearQueue } from './turn/queue.ts'
import { type ReceivedMessage, toUserMessage } from './turn/turn.ts'

const COMMAND = /^\s*\/([\p{L}_][\p{L}\p{N}_-]*)(?=\s|$)/u

/** The command in a text, in lower case and without its slash. `/etc/hosts` is not a command. */
export const parseCommand = (text: string): string | undefined => COMMAND.exec(text)?.[1]?.toLowerCase()

/** Each handler does its work and returns the text of the reply. */
const commandHandlers: Record<string, (work: StepContext, language: string) => string> = {
  help: ({ assistant, skills }, language) => helpText(assistant.name, skills, language),
  new({ state }, language) {
    state.transcript = []
    state.question = null
    if (state.turn) state.turn.isForgotten = true
    return phrasesIn(language).freshStart
  },
  stop(work, language) {
    const { state } = work
    if (!state.turn) return phrasesIn(language).nothingToStop
    interruptTurn(work, state.turn)
    clearQueue(work, { keepLate: false })
    return phrasesIn(language).stopped
  },
  status: ({ state }, language) => statusText(state.turn, state.waiting.length, language),
}

/** Answers a command at once and without the model, even while a turn runs. */
export function runCommand(context: StepContext, command: string, message: ReceivedMessage): void {
  const { person, address, language } = message.recalled.message
  const run = Object.hasOwn(commandHandlers, command) ? commandHandlers[command] : undefined
  const text = run ? run(context, language) : phrasesIn(language).unknownCommand(command)
  const said = [toUserMessage(message)]
  sendReply(context, { person, address, language, text, status: 'completed', said })
}
