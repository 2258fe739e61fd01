import type { EventData, SkillResult, Usage } from '#shared/contract/events/event-types.ts'
import { phrasesIn } from '../messages.ts'
import type { Turn } from '../state.ts'
import type { StepContext } from '../step-context.ts'
import { endTurn } from '../turn/completion.ts'
import { appendText, askModel, askSkill, requestSkill } from '../turn/requests.ts'

type Generation = EventData<'lares.generation.completed'>

/** The most tool calls of one model answer. Dialog ignores further ones. */
const MAX_TOOL_CALLS = 16
/**
 * The longest tool result in characters. Dialog cuts a longer one, because the prompt and the state must stay small.
 */
const MAX_RESULT_CHARACTERS = 4_000
const STALE_RESULT = 'it came for a part of the turn that is over'

/** Continues the running turn after a model's answer: with the tools that the model calls, or with the reply. */
export function onGeneration(context: StepContext, turn: Turn, generation: Generation): void {
  const { stage } = turn
  if (stage.kind !== 'model' || generation.step !== turn.step) {
    context.debugMessages.push(STALE_RESULT)
    return
  }
  turn.usage = addUsage(turn.usage, generation.usage)
  turn.text = appendText(turn.text, generation.text)
  if (stage.hasTools && generation.toolCalls.length > 0) callTools(context, turn, generation)
  else endTurn(context, turn, turn.text || phrasesIn(turn.message.language).noAnswer)
}

const addUsage = (a: Usage, b: Usage): Usage => ({
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
})

function callTools(context: StepContext, turn: Turn, { text, toolCalls }: Generation): void {
  const acceptedCalls = toolCalls.slice(0, MAX_TOOL_CALLS)
  turn.chat.push({ role: 'assistant', content: text, toolCalls: acceptedCalls })
  const calls = acceptedCalls.map(({ id, name }, index) => {
    const isKnown = context.skills.some(skill => skill.name === name)
    const result = isKnown ? null : `There is no tool "${name}".`
    return { callId: `${turn.id}/${turn.step}/${index}`, toolCallId: id, skill: name, result }
  })
  turn.stage = { kind: 'tools', calls }
  for (const [index, { callId, skill, result }] of calls.entries())
    if (result === null)
      requestSkill(context, turn, { callId, skill, input: acceptedCalls[index]!.arguments })
  continueWhenComplete(context, turn)
}

/** Continues the running turn with the result of a skill. */
export function onSkillResult(context: StepContext, turn: Turn, result: SkillResult): void {
  const { stage, message } = turn
  const skill = stage.kind === 'model' ? undefined : skillOfCall(stage, result.callId)
  if (skill !== undefined) recordFollowUpQuestion(context, turn, skill, result)
  if (stage.kind === 'tools') setToolResult(context, turn, result.callId, result.text || result.status)
  else if (stage.kind === 'model' || skill === undefined) context.debugMessages.push(STALE_RESULT)
  else if (result.status === 'declined' && stage.otherwise !== undefined)
    askSkill(context, turn, stage.otherwise)
  else if (result.status === 'declined') askModel(context, turn)
  else
    endTurn(
      context,
      turn,
      appendText(turn.text, result.text) || phrasesIn(message.language).noAnswer,
      result.status === 'ok' ? 'completed' : 'failed',
    )
}

type StageWithCalls = Exclude<Turn['stage'], { kind: 'model' }>

/** The skill of a call that still waits for its result. */
function skillOfCall(stage: StageWithCalls, callId: string): string | undefined {
  const calls = stage.kind === 'skill' ? [stage] : stage.calls.filter(({ result }) => result === null)
  return calls.find(call => call.callId === callId)?.skill
}

/** Records the question of a skill until the next message, which may answer it. The last skill to ask wins. */
function recordFollowUpQuestion(
  context: StepContext,
  turn: Turn,
  skill: string,
  { status, asks }: SkillResult,
): void {
  if (status !== 'ok') return
  if (asks && JSON.stringify(asks.asked).length > MAX_RESULT_CHARACTERS)
    context.debugMessages.push(`what ${skill} asked for is too long to be kept`)
  else if (asks) turn.asks = { skill, asked: asks.asked, takesAnyWords: asks.takesAnyWords ?? false }
}

/** Gives the model the result of one of its calls. */
export function setToolResult(context: StepContext, turn: Turn, callId: string, text: string): void {
  const calls = turn.stage.kind === 'tools' ? turn.stage.calls : []
  const call = calls.find(one => one.callId === callId && one.result === null)
  if (call) {
    call.result = text.slice(0, MAX_RESULT_CHARACTERS)
    continueWhenComplete(context, turn)
  } else context.debugMessages.push(STALE_RESULT)
}

function continueWhenComplete(context: StepContext, turn: Turn): void {
  if (turn.stage.kind !== 'tools') return
  const { calls } = turn.stage
  if (calls.some(({ result }) => result === null)) return
  for (const { toolCallId, result } of calls)
    turn.chat.push({ role: 'tool', content: result ?? '', toolCallId })
  turn.step += 1
  askModel(context, turn)
}
