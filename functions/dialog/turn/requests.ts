import { skillType } from '#shared/contract/events/event-types.ts'
import { messagesFor, toolsFor } from '../prompt/prompt.ts'
import type { Turn } from '../state.ts'
import type { Work } from '../step-context.ts'

const BETWEEN_STEPS = '\n\n'

/** The text so far, ready to be gone on with. */
const opened = (text: string): string => (text === '' ? '' : text + BETWEEN_STEPS)

/** Whitespace alone is not streamed, so it is no part of the text. */
export const joined = (text: string, more: string): string =>
  more.trim() === '' ? text : opened(text) + more

/** The last prompt that a turn may send offers no tools, so that it is answered. */
export function askModel(work: Work, turn: Turn): void {
  const mayUseTools = work.tools && turn.step < work.assistant.maxSteps - 1
  const tools = mayUseTools ? toolsFor(work.skills, turn.candidates) : []
  turn.stage = { kind: 'model', hasTools: tools.length > 0 }
  work.drafts.push({
    type: 'lares.prompt.composed',
    data: { step: turn.step, offset: opened(turn.text).length, messages: messagesFor(work, turn), tools },
    correlationid: turn.id,
  })
}

/** Has the skill read the person's words itself. */
export function askSkill(work: Work, turn: Turn, skill: string): void {
  const callId = `${turn.id}/text`
  turn.stage = { kind: 'skill', callId, skill }
  requestSkill(work, turn, { callId, skill, input: null })
}

export type Call = {
  callId: string
  skill: string
  input: Record<string, unknown> | null
  asked?: Record<string, unknown>
}

export function requestSkill({ drafts }: Work, turn: Turn, { callId, skill, input, asked }: Call): void {
  const { person, text, language, timeZone } = turn.message
  drafts.push({
    type: skillType(skill),
    data: {
      callId,
      step: turn.step,
      person,
      input,
      text,
      language,
      timeZone,
      saidAt: turn.saidAt,
      ...(asked && { asked }),
    },
    correlationid: turn.id,
  })
}
