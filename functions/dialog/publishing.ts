import type { Reply } from '../../shared/events/types.ts'
import type { Work } from './work.ts'

/** Beyond this a reply that was not confirmed is taken for published: the records of what was delivered are trimmed. */
const UNPUBLISHED_MS = 24 * 3_600_000

/**
 * A step's events may be held up, and those of a later step overtake them: by a crash in between, when the log is away,
 * when somebody else takes over. So whoever replies takes along what the step before said, under the ids of then, unless
 * that is known to be on the log. Who reads the log drops what he has read, and so sees the replies in their order (P3).
 */
export function publishInOrder(work: Work, reply: { data: Reply; correlationid?: string }): void {
  const { state, eventId, drafts, nowIso } = work
  if (state.unpublished?.causationid !== eventId) {
    repeatUnpublished(work)
    state.unpublished = { causationid: eventId, at: nowIso, replies: [] }
  }
  state.unpublished.replies.push({ ...reply, index: drafts.length })
  drafts.push({ type: 'lares.reply.completed', ...reply })
}

function repeatUnpublished({ state: { unpublished }, drafts, nowIso }: Work): void {
  if (!unpublished || Date.parse(nowIso) - Date.parse(unpublished.at) > UNPUBLISHED_MS) return
  const { causationid, replies } = unpublished
  for (const reply of replies) drafts.push({ type: 'lares.reply.completed', causationid, ...reply })
}

/** Takes note of what the caller tells to be on the log. */
export function confirmPublished({ state, publishedId }: Work): void {
  if (publishedId !== undefined && state.unpublished?.causationid === publishedId) state.unpublished = null
}
