import type { Reply } from '#shared/contract/events/event-types.ts'
import type { StepContext } from './step-context.ts'

/** Beyond this a reply that was not confirmed is taken for published: the records of what was delivered are trimmed. */
const UNPUBLISHED_TTL_MS = 24 * 3_600_000
/**
 * Steps whose replies may be held up at the same time. A conversation has a lane for each topic that dialog reads, and a
 * caller that tells nothing has the replies of so many steps said again with each new one.
 */
const MAX_UNPUBLISHED_STEPS = 8

/**
 * A step's events may be held up, and those of a later step overtake them: by a crash in between, when the log is away,
 * when somebody else takes over. So whoever replies takes along what the steps before said, under the ids of then, unless
 * that is known to be on the log: of all of them, since the step before may be held up with what it took along. Who reads
 * the log drops what he has read, and so sees the replies in their order (P3).
 */
export function emitReplyInOrder(context: StepContext, reply: { data: Reply; correlationid?: string }): void {
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

/** Takes note of what the caller tells to be on the log, with all that it took along. */
export function confirmPublished({ state, publishedId }: StepContext): void {
  const at = state.unpublished.findIndex(({ causationid }) => causationid === publishedId)
  state.unpublished = state.unpublished.slice(at + 1)
}
