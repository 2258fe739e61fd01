import { type EventDraft, type LaresEvent, parseEventData } from '#shared/contract/events/event.ts'
import type { MessageWrite } from '#shared/store/store.ts'
import { type DeadLetter, onDeadLetter } from './events/dead-letter.ts'
import { onTurnResult } from './events/late-result.ts'
import { onMessage } from './events/message.ts'
import { onTimer } from './events/timer.ts'
import { confirmPublished } from './publishing.ts'
import { type DialogState, emptyState, parseState } from './state.ts'
import { createStepContext, type StepContext, type StepInput } from './step-context.ts'
import { processQueue } from './turn/queue.ts'

type StepEventType =
  | 'lares.context.recalled'
  | 'lares.generation.completed'
  | 'lares.result.returned'
  | 'lares.timer.fired'

/** The events that change a conversation. A dead letter arrives as the parts that concern its turn. */
export type StepEvent =
  | { [T in StepEventType]: Pick<LaresEvent<T>, 'type' | 'id' | 'correlationid' | 'data'> }[StepEventType]
  | { type: 'dead-letter'; id: string; data: DeadLetter }

export type StepResult = {
  state: DialogState
  messages: MessageWrite[]
  outcome: EventDraft[]
  debugMessages: string[]
}

/**
 * Dialog's step: computes the next state of a conversation and the events to emit from an event. It is pure: the same
 * arguments give the same result. Unexpected events and states have no effect except a debug message. Only a draft that
 * violates its schema throws, so that such a step is never recorded. Errors: `invalid_event`.
 */
export function step(storedState: unknown, event: StepEvent, input: StepInput): StepResult {
  const state = parseState(storedState)
  const context = createStepContext(state ?? emptyState(), event.id, input)
  if (!state)
    context.debugMessages.push('the stored state cannot be read, and the conversation starts afresh')
  confirmPublished(context)
  dispatch(context, event)
  processQueue(context)
  for (const draft of context.drafts) parseEventData(draft.type, draft.data)
  return {
    state: context.state,
    messages: [...context.rows.values()],
    outcome: context.drafts,
    debugMessages: context.debugMessages,
  }
}

function dispatch(context: StepContext, event: StepEvent): void {
  const { type } = event
  if (type === 'lares.context.recalled') onMessage(context, event.correlationid, event.data)
  else if (type === 'lares.timer.fired') onTimer(context, event.correlationid, event.data)
  else if (type === 'dead-letter') onDeadLetter(context, event.data)
  else onTurnResult(context, event.correlationid, { type, data: event.data })
}
