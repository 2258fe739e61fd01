import type { SkillManifest } from '#shared/contract/catalogue.ts'
import type { AssistantSettings } from '#shared/contract/context.ts'
import type { EventDraft } from '#shared/contract/events/event.ts'
import type { Language, Reply, Usage } from '#shared/contract/events/event-types.ts'
import { derivedId } from '#shared/contract/events/ids.ts'
import type { MessageStatus, MessageWrite } from '#shared/store/store.ts'
import { emitReplyInOrder } from './publishing.ts'
import { type DialogState, MAX_SETTLED_IDS, type UserMessage } from './state.ts'

/** What a step sees besides the state and the event. */
export type StepInput = {
  assistant: AssistantSettings
  skills: SkillManifest[]
  /** Whether the model can call tools. */
  tools: boolean
  nowIso: string
  /** The event of the conversation whose outcome is known to be on the log, where the caller tells. */
  publishedId?: string | undefined
}

/** One step while it is made: a copy of the state that may be changed, and what comes of it. */
export type StepContext = StepInput & {
  state: DialogState
  eventId: string
  rows: Map<string, MessageWrite>
  drafts: EventDraft[]
  /** Why events or parts of them had no effect, for the log. */
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

/** The last status that a step gives a row is the one that is written. */
export function setMessageStatus(context: StepContext, said: UserMessage[], status: MessageStatus): void {
  for (const { id, text, saidAt, attachments } of said)
    context.rows.set(id, {
      id,
      role: 'user',
      text,
      inReplyTo: null,
      createdAt: saidAt,
      status,
      ...(attachments && { attachments }),
    })
}

export type ReplyInput = {
  person: string
  language: Language
  text: string
  status: Reply['status']
  /** The messages answered; empty when the assistant speaks by itself. */
  said: UserMessage[]
  /** What is to be learned from; empty for none. */
  question?: string
  usage?: Usage
  correlationid?: string
}

/** Says it: as an event, as a row of the history, and as the new status of the messages answered. */
export function sendReply(context: StepContext, input: ReplyInput): void {
  const { person, language, text, status, said } = input
  const last = said.at(-1)
  const inReplyTo = last?.id ?? null
  const answers = said.map(({ id }) => id)
  setMessageStatus(context, said, status === 'completed' ? 'answered' : status)
  const id = derivedId(context.eventId, 'dialog/reply', context.drafts.length)
  context.rows.set(id, { id, role: 'assistant', text, inReplyTo, createdAt: context.nowIso, status })
  const { question = '', usage = ZERO_USAGE } = input
  const correlationid = input.correlationid ?? inReplyTo
  const references = { inReplyTo, answers, question, ...(last && { saidAt: last.saidAt }) }
  const data = { person, ...references, text, status, usage, language }
  emitReplyInOrder(context, { data, ...(correlationid === null ? {} : { correlationid }) })
  markSettled(context, answers)
}

export function markSettled({ state }: StepContext, ids: string[]): void {
  const others = state.settled.filter(id => !ids.includes(id))
  state.settled = [...others, ...ids].slice(-MAX_SETTLED_IDS)
}
