import type { Language } from '#shared/contract/events/event-types.ts'
import { forgotten, help, nothingToStop, status, stopped, unknownCommand } from './messages.ts'
import { sayReply, type Work } from './step-context.ts'
import { interruptTurn } from './turn/completion.ts'
import { dropWaiting } from './turn/queue.ts'
import { saidOf, type Taken } from './turn/turn.ts'

const COMMAND = /^\s*\/([\p{L}_][\p{L}\p{N}_-]*)(?=\s|$)/u

/** The command that a text is, in lower case and without its slash. `/etc/hosts` is none. */
export const commandIn = (text: string): string | undefined => COMMAND.exec(text)?.[1]?.toLowerCase()

/** Each does its work and gives back what to say. */
const commands: Record<string, (work: Work, language: Language) => string> = {
  help: ({ assistant, skills }, language) => help(assistant.name, skills, language),
  new({ state }, language) {
    state.transcript = []
    state.question = null
    if (state.turn) state.turn.isForgotten = true
    return forgotten[language]
  },
  stop(work, language) {
    const { state } = work
    if (!state.turn) return nothingToStop[language]
    interruptTurn(work, state.turn)
    dropWaiting(work, { keepLate: false })
    return stopped[language]
  },
  status: ({ state }, language) => status(state.turn, state.waiting.length, language),
}

/** Answers a command at once, also while a turn runs, and without the model. */
export function runCommand(work: Work, command: string, item: Taken): void {
  const { person, language } = item.recalled.message
  const run = Object.hasOwn(commands, command) ? commands[command] : undefined
  const text = run ? run(work, language) : unknownCommand(command, language)
  sayReply(work, { person, language, text, status: 'completed', said: [saidOf(item)] })
}
