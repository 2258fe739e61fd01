import { LaresError, toLaresError } from '../../shared/base/errors.ts'
import type { Usage } from '../../shared/contract/events/event-types.ts'
import type { HistoryMessage } from '../../shared/store/store.ts'
import type { Rooms } from '../context.ts'
import { follow } from './history-follower.ts'
import { type LiveEvent, NO_USAGE } from './live-updates.ts'

export type Answer = Pick<HistoryMessage, 'text' | 'status'> & { usage: Usage }

export type Question = {
  conversation: string
  id: string
  /** The reply is looked for after this sequence. */
  after: number
  limitMs: number
}

export type Wait = Question & {
  /** Ends the wait; the turn goes on. */
  signal: AbortSignal
  onText?(chunk: { offset: number; text: string }): void
}

/**
 * Waits for the reply to a message. Errors: `deadline_exceeded`; `unavailable` when the wait was ended or the store
 * cannot be read.
 */
export function waitForAnswer(rooms: Rooms, question: Wait): Promise<Answer> {
  const { id, conversation, after, signal } = question
  return new Promise((resolve, reject) => {
    const search = openSearch(id)
    const onEnd = () =>
      finish(() => reject(new LaresError('unavailable', 'nobody waits for the reply any more')))
    const timer = setTimeout(() => finish(() => reject(tooLate(question))), question.limitMs)
    const finish = (settle: () => void) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onEnd)
      stop()
      settle()
    }
    signal.addEventListener('abort', onEnd)
    const stop = follow(
      rooms,
      { conversation, after },
      {
        async onRows(rows) {
          const answer = search.inRows(rows)
          if (answer) finish(() => resolve(answer))
        },
        onLive(event) {
          if (event.kind === 'stream' && event.message === id) question.onText?.(event)
          if (event.kind === 'reply') search.note(event)
        },
        onError: error => finish(() => reject(toLaresError(error))),
      },
    )
    if (signal.aborted) onEnd()
  })
}

const tooLate = ({ id, limitMs }: Question) =>
  new LaresError(
    'deadline_exceeded',
    `message ${id} has no reply after ${limitMs / 1000} s; it is still being worked on`,
    { retryable: false },
  )

/** Finds the reply to a message among the rows of its conversation. */
function openSearch(id: string) {
  let usage = NO_USAGE
  // A reply to several messages, merged into one turn, stands under one of them.
  const names = new Set<string | null>([id])
  return {
    note(reply: LiveEvent & { kind: 'reply' }) {
      if (!reply.answers.includes(id)) return
      usage = reply.usage
      names.add(reply.inReplyTo)
    },
    inRows(rows: HistoryMessage[]): Answer | undefined {
      const reply = rows.find(({ role, inReplyTo }) => role === 'assistant' && names.has(inReplyTo))
      const found = reply ?? (isSettled(rows) ? rows.findLast(({ role }) => role === 'assistant') : undefined)
      return found && { text: found.text, status: found.status, usage }
    },
  }

  /** The turn was merged into another and its announcement missed: the reply was written together with this row. */
  function isSettled(rows: HistoryMessage[]): boolean {
    return rows.some(row => row.id === id && row.status === 'answered')
  }
}
