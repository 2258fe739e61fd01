import { skillRequestType } from '#shared/contract/events/event-types.ts'
import { composeMessages, selectTools } from '../prompt/prompt.ts'
import type { Turn } from '../state.ts'
import type { StepContext } from '../step-context.ts'
import { groupSender } from './sender.ts'

const STEP_SEPARATOR = '\n\n'

/** The text so far, ready to be gone on with. */
const withSeparator = (text: string): string => (text === '' ? '' : text + STEP_SEPARATOR)

/** Whitespace alone is not streamed, so it is no part of the text. */
export const appendText = (text: string, more: string): string =>
  more.trim() === '' ? text : withSeparator(text) + more

/** The last prompt that a turn may send offers no tools, so that it is answered. */
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

/** Has the skill read the person's words itself. */
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
