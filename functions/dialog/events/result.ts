import type { EventData, SkillResult, Usage } from '#shared/contract/events/event-types.ts'
import { noAnswer } from '../messages.ts'
import type { Turn } from '../state.ts'
import type { Work } from '../step-context.ts'
import { endTurn } from '../turn/completion.ts'
import { askModel, askSkill, joined, requestSkill } from '../turn/requests.ts'

type Generation = EventData<'lares.generation.completed'>

/** A model that asks for more at once is not heard out. */
const MAX_CALLS = 16
/** What a tool says beyond this is cut, for the model's sake and the state's. */
const MAX_RESULT_CHARACTERS = 4_000
const NOBODY_WAITS = 'it came for a part of the turn that is over'

/** The running turn goes on with what the model said: with the tools that it wants, or with the reply. */
export function takeGeneration(work: Work, turn: Turn, generation: Generation): void {
  const { stage } = turn
  if (stage.kind !== 'model' || generation.step !== turn.step) {
    work.notes.push(NOBODY_WAITS)
    return
  }
  turn.usage = sum(turn.usage, generation.usage)
  turn.text = joined(turn.text, generation.text)
  if (stage.hasTools && generation.toolCalls.length > 0) callTools(work, turn, generation)
  else endTurn(work, turn, turn.text || noAnswer[turn.message.language])
}

const sum = (a: Usage, b: Usage): Usage => ({
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
})

function callTools(work: Work, turn: Turn, { text, toolCalls }: Generation): void {
  const taken = toolCalls.slice(0, MAX_CALLS)
  turn.chat.push({ role: 'assistant', content: text, toolCalls: taken })
  const calls = taken.map(({ id, name }, index) => {
    const isKnown = work.skills.some(skill => skill.name === name)
    const result = isKnown ? null : `There is no tool "${name}".`
    return { callId: `${turn.id}/${turn.step}/${index}`, toolCallId: id, skill: name, result }
  })
  turn.stage = { kind: 'tools', calls }
  for (const [index, { callId, skill, result }] of calls.entries())
    if (result === null) requestSkill(work, turn, { callId, skill, input: taken[index]!.arguments })
  goOnWhenComplete(work, turn)
}

/** The running turn goes on with what a skill gave. */
export function takeResult(work: Work, turn: Turn, result: SkillResult): void {
  const { stage, message } = turn
  const skill = stage.kind === 'model' ? undefined : skillOf(stage, result.callId)
  if (skill !== undefined) noteAsks(work, turn, skill, result)
  if (stage.kind === 'tools') setResult(work, turn, result.callId, result.text || result.status)
  else if (stage.kind === 'model' || skill === undefined) work.notes.push(NOBODY_WAITS)
  else if (result.status === 'declined' && stage.otherwise !== undefined)
    askSkill(work, turn, stage.otherwise)
  else if (result.status === 'declined') askModel(work, turn)
  else
    endTurn(
      work,
      turn,
      joined(turn.text, result.text) || noAnswer[message.language],
      result.status === 'ok' ? 'completed' : 'failed',
    )
}

type Called = Exclude<Turn['stage'], { kind: 'model' }>

/** The skill that a call is waited for from. */
function skillOf(stage: Called, callId: string): string | undefined {
  const calls = stage.kind === 'skill' ? [stage] : stage.calls.filter(({ result }) => result === null)
  return calls.find(call => call.callId === callId)?.skill
}

/** What a skill asks for is known until the next message, which may answer it. The last one to ask is heard. */
function noteAsks(work: Work, turn: Turn, skill: string, { status, asks }: SkillResult): void {
  if (status !== 'ok') return
  if (asks && JSON.stringify(asks.asked).length > MAX_RESULT_CHARACTERS)
    work.notes.push(`what ${skill} asked for is too long to be kept`)
  else if (asks) turn.asks = { skill, asked: asks.asked, takesAnyWords: asks.takesAnyWords ?? false }
}

/** Gives the model what came of one of its calls. */
export function setResult(work: Work, turn: Turn, callId: string, text: string): void {
  const calls = turn.stage.kind === 'tools' ? turn.stage.calls : []
  const call = calls.find(one => one.callId === callId && one.result === null)
  if (call) {
    call.result = text.slice(0, MAX_RESULT_CHARACTERS)
    goOnWhenComplete(work, turn)
  } else work.notes.push(NOBODY_WAITS)
}

function goOnWhenComplete(work: Work, turn: Turn): void {
  if (turn.stage.kind !== 'tools') return
  const { calls } = turn.stage
  if (calls.some(({ result }) => result === null)) return
  for (const { toolCallId, result } of calls)
    turn.chat.push({ role: 'tool', content: result ?? '', toolCallId })
  turn.step += 1
  askModel(work, turn)
}
