import type { EventData, SkillResult } from '#shared/contract/events/event-types.ts'
import type { Turn } from '../state.ts'
import type { StepContext } from '../step-context.ts'
import { applyTurnResult, isQueueFull, type TurnResult } from '../turn/queue.ts'

/** Takes a result of a model or a skill for a turn: the running one, or a failed one whose dead letter was put back. */
export function onTurnResult(context: StepContext, turnId: string, event: TurnResult): void {
  const { turn } = context.state
  if (turn?.id === turnId) applyTurnResult(context, turn, event)
  else queueLateResult(context, turnId, event)
}

/** Puts the result into the queue, so that dialog answers it late and in its order. */
function queueLateResult(context: StepContext, turnId: string, event: TurnResult): void {
  const { state } = context
  const entry = state.failed.find(({ turn }) => turn?.id === turnId)
  if (!entry?.turn || (state.turn && isQueueFull(context)) || !isExpectedResult(entry.turn, event)) {
    context.debugMessages.push('it belongs to no turn that could go on')
    return
  }
  state.failed = state.failed.filter(one => one !== entry)
  state.waiting.push({ kind: 'revival', turn: entry.turn, event })
}

function isExpectedResult({ stage, step }: Turn, { type, data }: TurnResult): boolean {
  if (type === 'lares.generation.completed')
    return stage.kind === 'model' && (data as EventData<typeof type>).step === step
  const { callId } = data as SkillResult
  if (stage.kind === 'tools') return stage.calls.some(call => call.callId === callId && call.result === null)
  return stage.kind === 'skill' && stage.callId === callId
}
