import { type Address, isGroup } from '#shared/contract/events/address.ts'
import type { Language, Reply, Usage } from '#shared/contract/events/event-types.ts'
import { derivedId } from '#shared/contract/events/ids.ts'
import type { UserMessage } from './state.ts'
import { markSettled, type StepContext, setMessageStatus, ZERO_USAGE } from './step-context.ts'

export type ReplyInput = {
  person: string
  /** The address that receives the reply. */
  address: Address
  language: Language
  text: string
  status: Reply['status']
  /** The messages answered; empty when the assistant speaks by itself. */
  said: UserMessage[]
  /** The text from which memory may learn; empty for none. */
  question?: string
  usage?: Usage
  correlationid?: string
}

/** Emits the reply as an event, as a row of the history and as the new status of the messages answered. */
export function sendReply(context: StepContext, input: ReplyInput): void {
  const { person, address, language, text, status, said } = input
  const last = said.at(-1)
  const inReplyTo = last?.id ?? null
  const answers = said.map(({ id }) => id)
  setMessageStatus(context, said, status === 'completed' ? 'answered' : status)
  const id = derivedId(context.eventId, 'dialog/reply', context.drafts.length)
  context.rows.set(id, {
    id,
    role: 'assistant',
    text,
    inReplyTo,
    createdAt: context.nowIso,
    status,
    address,
    ...(isGroup(person) && last?.sender && { sender: last.sender }),
  })
  const { question = '', usage = ZERO_USAGE } = input
  const correlationid = input.correlationid ?? inReplyTo
  const references = {
    inReplyTo,
    answers,
    question,
    ...(last && { saidAt: last.saidAt }),
    ...(last?.sender && { sender: last.sender }),
  }
  const data = { person, address, ...references, text, status, usage, language }
  emitReplyInOrder(context, { data, ...(correlationid === null ? {} : { correlationid }) })
  markSettled(context, answers)
}

/** After this time an unconfirmed reply counts as published, because the delivery ledger trims its records. */
const UNPUBLISHED_TTL_MS = 24 * 3_600_000
/**
 * Steps whose replies may be delayed at the same time. The connector runs one event of a conversation at a time for each
 * topic that dialog reads. For a caller that confirms nothing, each new reply repeats the replies of this many steps.
 */
const MAX_UNPUBLISHED_STEPS = 8

/**
 * The events of a later step may overtake those of an earlier one: after a crash, during an outage of the log, or when
 * another connector takes over. A reply is therefore preceded by every earlier reply that is not known to be on the log,
 * under its old id. Repeating only the last one is not enough, because the step before may be delayed with its own
 * repetitions. Readers of the log drop a reply that they have read, and so see the replies in their order (P3).
 */
function emitReplyInOrder(context: StepContext, reply: { data: Reply; correlationid?: string }): void {
  const { state, eventId, drafts, nowIso } = context
  if (state.unpublished.at(-1)?.causationid !== eventId) {
    repeatUnpublishedReplies(context)
    state.unpublished.push({ causationid: eventId, at: nowIso, replies: [] })
    state.unpublished = state.unpublished.slice(-MAX_UNPUBLISHED_STEPS)
  }
  state.unpublished.at(-1)!.replies.push({ ...reply, index: drafts.length })
  drafts.push({ type: 'lares.reply.completed', ...reply })
}

function repeatUnpublishedReplies({ state, drafts, nowIso }: StepContext): void {
  const oldestMs = Date.parse(nowIso) - UNPUBLISHED_TTL_MS
  state.unpublished = state.unpublished.filter(({ at }) => Date.parse(at) >= oldestMs)
  for (const { causationid, replies } of state.unpublished)
    for (const reply of replies) drafts.push({ type: 'lares.reply.completed', causationid, ...reply })
}

/** Drops the steps up to the one that the caller reports as published. */
export function confirmPublished({ state, publishedId }: StepContext): void {
  const at = state.unpublished.findIndex(({ causationid }) => causationid === publishedId)
  state.unpublished = state.unpublished.slice(at + 1)
}
