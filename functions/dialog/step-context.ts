import type { SkillManifest } from '#shared/contract/catalogue.ts'
import type { AssistantSettings } from '#shared/contract/context.ts'
import type { EventDraft } from '#shared/contract/events/event.ts'
import type { Usage } from '#shared/contract/events/event-types.ts'
import type { MessageStatus, MessageWrite } from '#shared/store/store.ts'
import { type DialogState, MAX_SETTLED_IDS, type UserMessage } from './state.ts'

/** The input of a step besides the state and the event. */
export type StepInput = {
  assistant: AssistantSettings
  skills: SkillManifest[]
  /** Whether the model can call tools. */
  tools: boolean
  nowIso: string
  /** The conversation's last event with an outcome fully on the log, where the caller reports it. */
  publishedId?: string | undefined
}

/** A step in progress: a copy of the state that may be changed, and the step's results. */
export type StepContext = StepInput & {
  state: DialogState
  eventId: string
  rows: Map<string, MessageWrite>
  drafts: EventDraft[]
  /** Reasons why events or parts of them had no effect, for the log. */
  debugMessages: string[]
}

export const createStepContext = (state: DialogState, eventId: string, input: StepInput): StepContext => ({
  ...input,
  state,
  eventId,
  rows: new Map(),
  drafts: [],
  debugMessages: [],
})

export const ZERO_USAGE: Usage = { inputTokens: 0, outputTokens: 0 }

/** Sets the status of the messages' rows. When a step sets a row twice, it writes the last status. */
export function setMessageStatus(context: StepContext, said: UserMessage[], status: MessageStatus): void {
  for (const { id, text, saidAt, attachments, address, sender } of said)
    context.rows.set(id, {
      id,
      role: 'user',
      text,
      inReplyTo: null,
      createdAt: saidAt,
      status,
      ...(attachments && { attachments }),
      ...(address && { address }),
      ...(sender && { sender }),
    })
}

export function markSettled({ state }: StepContext, ids: string[]): void {
  const others = state.settled.filter(id => !ids.includes(id))
  state.settled = [...others, ...ids].slice(-MAX_SETTLED_IDS)
}
