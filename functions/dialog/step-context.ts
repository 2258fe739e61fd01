import type { SkillManifest } from '#shared/contract/catalogue.ts'
import type { Assistant } from '#shared/contract/context.ts'
import type { Draft } from '#shared/contract/events/event.ts'
import type { Language, Reply, Usage } from '#shared/contract/events/event-types.ts'
import { derivedId } from '#shared/contract/events/ids.ts'
import type { MessageStatus, MessageWrite } from '#shared/store/store.ts'
import { publishInOrder } from './publishing.ts'
import { MAX_SETTLED, type Said, type State } from './state.ts'

/** What a step sees besides the state and the event. */
export type Surroundings = {
  assistant: Assistant
  skills: SkillManifest[]
  /** Whether the model can call tools. */
  tools: boolean
  nowIso: string
  /** The event of the conversation whose outcome is known to be on the log, where the caller tells. */
  publishedId?: string | undefined
}

/** One step while it is made: a copy of the state that may be changed, and what comes of it. */
export type Work = Surroundings & {
  state: State
  eventId: string
  rows: Map<string, MessageWrite>
  drafts: Draft[]
  /** Why events or parts of them had no effect, for the log. */
  notes: string[]
}

export const openWork = (state: State, eventId: string, surroundings: Surroundings): Work => ({
  ...surroundings,
  state,
  eventId,
  rows: new Map(),
  drafts: [],
  notes: [],
})

export const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0 }

/** The last status that a step gives a row is the one that is written. */
export function markSaid(work: Work, said: Said[], status: MessageStatus): void {
  for (const { id, text, saidAt, attachments } of said)
    work.rows.set(id, {
      id,
      role: 'user',
      text,
      inReplyTo: null,
      createdAt: saidAt,
      status,
      ...(attachments && { attachments }),
    })
}

export type Answer = {
  person: string
  language: Language
  text: string
  status: Reply['status']
  /** The messages answered; empty when the assistant speaks by itself. */
  said: Said[]
  /** What is to be learned from; empty for none. */
  question?: string
  usage?: Usage
  correlationid?: string
}

/** Says it: as an event, as a row of the history, and as the new status of the messages answered. */
export function sayReply(work: Work, answer: Answer): void {
  const { person, language, text, status, said } = answer
  const last = said.at(-1)
  const inReplyTo = last?.id ?? null
  const answers = said.map(({ id }) => id)
  markSaid(work, said, status === 'completed' ? 'answered' : status)
  const id = derivedId(work.eventId, 'dialog/reply', work.drafts.length)
  work.rows.set(id, { id, role: 'assistant', text, inReplyTo, createdAt: work.nowIso, status })
  const { question = '', usage = NO_USAGE } = answer
  const correlationid = answer.correlationid ?? inReplyTo
  const about = { inReplyTo, answers, question, ...(last && { saidAt: last.saidAt }) }
  const data = { person, ...about, text, status, usage, language }
  publishInOrder(work, { data, ...(correlationid === null ? {} : { correlationid }) })
  settle(work, answers)
}

export function settle({ state }: Work, ids: string[]): void {
  const others = state.settled.filter(id => !ids.includes(id))
  state.settled = [...others, ...ids].slice(-MAX_SETTLED)
}
