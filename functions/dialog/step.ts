import { checkData, type Draft, type LaresEvent } from '#shared/contract/events/event.ts'
import type { MessageWrite } from '#shared/store/store.ts'
import { type DeadLetter, takeDeadLetter } from './events/dead-letter.ts'
import { takeContinuation } from './events/late-result.ts'
import { takeMessage } from './events/message.ts'
import { takeTimer } from './events/timer.ts'
import { confirmPublished } from './publishing.ts'
import { emptyState, readState, type State } from './state.ts'
import { openWork, type Surroundings, type Work } from './step-context.ts'
import { takeUpWaiting } from './turn/queue.ts'

type Taken =
  | 'lares.context.recalled'
  | 'lares.generation.completed'
  | 'lares.result.returned'
  | 'lares.timer.fired'

/** What moves a conversation on. A dead letter comes as what it tells of its turn. */
export type StepEvent =
  | { [T in Taken]: Pick<LaresEvent<T>, 'type' | 'id' | 'correlationid' | 'data'> }[Taken]
  | { type: 'dead-letter'; id: string; data: DeadLetter }

export type Step = { state: State; messages: MessageWrite[]; outcome: Draft[]; notes: string[] }

/**
 * Dialog's step: what a conversation becomes by an event, and what is emitted because of it. It is pure: the same
 * arguments give the same result. Odd events and odd states have no effect but a note; only a draft that breaks its
 * schema throws, so that such a step is never recorded. Errors: `invalid_event`.
 */
export function step(stored: unknown, event: StepEvent, surroundings: Surroundings): Step {
  const state = readState(stored)
  const work = openWork(state ?? emptyState(), event.id, surroundings)
  if (!state) work.notes.push('the stored state cannot be read, and the conversation starts afresh')
  confirmPublished(work)
  take(work, event)
  takeUpWaiting(work)
  for (const draft of work.drafts) checkData(draft.type, draft.data)
  return { state: work.state, messages: [...work.rows.values()], outcome: work.drafts, notes: work.notes }
}

function take(work: Work, event: StepEvent): void {
  const { type } = event
  if (type === 'lares.context.recalled') takeMessage(work, event.correlationid, event.data)
  else if (type === 'lares.timer.fired') takeTimer(work, event.correlationid, event.data)
  else if (type === 'dead-letter') takeDeadLetter(work, event.data)
  else takeContinuation(work, event.correlationid, { type, data: event.data })
}
