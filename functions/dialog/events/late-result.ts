import type { EventData, SkillResult } from '#shared/contract/events/event-types.ts'
import type { Turn } from '../state.ts'
import type { Work } from '../step-context.ts'
import { type Continuation, continueTurn, isFull } from '../turn/queue.ts'

/** Takes what a model or a skill gave for a turn: the running one, or one that failed and whose dead letter was put back. */
export function takeContinuation(work: Work, turnId: string, event: Continuation): void {
  const { turn } = work.state
  if (turn?.id === turnId) continueTurn(work, turn, event)
  else revive(work, turnId, event)
}

/** It is answered late, in its order. */
function revive(work: Work, turnId: string, event: Continuation): void {
  const { state } = work
  const entry = state.failed.find(({ turn }) => turn?.id === turnId)
  if (!entry?.turn || (state.turn && isFull(work)) || !isExpected(entry.turn, event)) {
    work.notes.push('it belongs to no turn that could go on')
    return
  }
  state.failed = state.failed.filter(one => one !== entry)
  state.waiting.push({ kind: 'revival', turn: entry.turn, event })
}

function isExpected({ stage, step }: Turn, { type, data }: Continuation): boolean {
  if (type === 'lares.generation.completed')
    return stage.kind === 'model' && (data as EventData<typeof type>).step === step
  const { callId } = data as SkillResult
  if (stage.kind === 'tools') return stage.calls.some(call => call.callId === callId && call.result === null)
  return stage.kind === 'skill' && stage.callId === callId
}
