import { skillRequestType } from '#shared/contract/events/event-types.ts'
import { composeMessages, selectTools } from '../prompt/prompt.ts'
import type { Turn } from '../state.ts'
import type { StepContext } from '../step-context.ts'
import { groupSender } from './sender.ts'

const STEP_SEPARATOR = '\n\n'

/** The text so far, with the separator for more text. */
const withSeparator = (text: string): string => (text === '' ? '' : text + STEP_SEPARATOR)

/** Adds text, except whitespace alone: generation does not stream that. */
export const appendText = (text: string, more: string): string =>
  more.trim() === '' ? text : withSeparator(text) + more

/** Sends a prompt to the model. The last prompt of a turn offers no tools, so that the model must answer. */
export function askModel(context: StepContext, turn: Turn): void {
  const mayUseTools = context.tools && turn.step < context.assistant.maxSteps - 1
  const tools = mayUseTools ? selectTools(context.skills, turn.candidates) : []
  turn.stage = { kind: 'model', hasTools: tools.length > 0 }
  context.drafts.push({
    type: 'lares.prompt.composed',
    data: {
      step: turn.step,
      offset: withSeparator(turn.text).length,
      messages: composeMessages(context, turn),
      tools,
      ...groupSender(turn.message),
    },
    correlationid: turn.id,
  })
}

/** Asks the skill to read the person's words itself. */
export function askSkill(context: StepContext, turn: Turn, skill: string): void {
  const callId = `${turn.id}/text`
  turn.stage = { kind: 'skill', callId, skill }
  requestSkill(context, turn, { callId, skill, input: null })
}

export type SkillCall = {
  callId: string
  skill: string
  input: Record<string, unknown> | null
  asked?: Record<string, unknown>
}

export function requestSkill(
  { drafts }: StepContext,
  turn: Turn,
  { callId, skill, input, asked }: SkillCall,
): void {
  const { person, text, language, timeZone, address, sender } = turn.message
  drafts.push({
    type: skillRequestType(skill),
    data: {
      callId,
      step: turn.step,
      person,
      input,
      text,
      language,
      timeZone,
      saidAt: turn.saidAt,
      address,
      sender,
      ...(asked && { asked }),
    },
    correlationid: turn.id,
  })
}
