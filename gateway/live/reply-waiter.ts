import { LaresError, toLaresError } from '../../shared/base/errors.ts'
import type { Usage } from '../../shared/contract/events/event-types.ts'
import type { HistoryMessage } from '../../shared/store/store.ts'
import type { GatewayContext } from '../context.ts'
import { followConversation } from './history-follower.ts'
import type { LiveEvent } from './live-event.ts'
import { NO_USAGE } from './live-updates.ts'

export type Answer = Pick<HistoryMessage, 'text' | 'status'> & { usage: Usage }

export type AwaitedMessage = {
  conversation: string
  id: string
  /** The search for the reply begins after this sequence. */
  after: number
  timeoutMs: number
}

export type AnswerWait = AwaitedMessage & {
  /** Ends the wait; the turn continues. */
  signal: AbortSignal
  onText?(chunk: { offset: number; text: string }): void
}

/**
 * Waits for the reply to a message. Errors: `deadline_exceeded`; `unavailable` when the wait was aborted or the store
 * cannot be read.
 */
export function waitForAnswer(context: GatewayContext, wait: AnswerWait): Promise<Answer> {
  const { id, conversation, after, signal } = wait
  return new Promise((resolve, reject) => {
    const replySearch = createReplySearch(id)
    const onAbort = () =>
      settleOnce(() => reject(new LaresError('unavailable', 'nobody waits for the reply any more')))
    const timer = setTimeout(() => settleOnce(() => reject(deadlineExceeded(wait))), wait.timeoutMs)
    const settleOnce = (settle: () => void) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      unfollow()
      settle()
    }
    signal.addEventListener('abort', onAbort)
    const unfollow = followConversation(
      context,
      { conversation, after },
      {
        async onRows(rows) {
          const answer = replySearch.findInRows(rows)
          if (answer) settleOnce(() => resolve(answer))
        },
        onLive(event) {
          if (event.kind === 'stream' && event.message === id) wait.onText?.(event)
          if (event.kind === 'reply') replySearch.noteReply(event)
        },
        onError: error => settleOnce(() => reject(toLaresError(error))),
      },
    )
    if (signal.aborted) onAbort()
  })
}

const deadlineExceeded = ({ id, timeoutMs }: AwaitedMessage) =>
  new LaresError(
    'deadline_exceeded',
    `message ${id} has no reply after ${timeoutMs / 1000} s; it is still being worked on`,
    { retryable: false },
  )

/** Finds the reply to a message among the rows of its conversation. */
function createReplySearch(id: string) {
  let usage = NO_USAGE
  // When several messages are merged into one turn, their reply is stored under one of them.
  const repliedIds = new Set<string | null>([id])
  return {
    noteReply(reply: LiveEvent & { kind: 'reply' }) {
      if (!reply.answers.includes(id)) return
      usage = reply.usage
      repliedIds.add(reply.inReplyTo)
    },
    findInRows(rows: HistoryMessage[]): Answer | undefined {
      const reply = rows.find(({ role, inReplyTo }) => role === 'assistant' && repliedIds.has(inReplyTo))
      const found =
        reply ?? (isAnswered(rows) ? rows.findLast(({ role }) => role === 'assistant') : undefined)
      return found && { text: found.text, status: found.status, usage }
    },
  }

  /**
   * Whether another turn answered the message and its event was lost: the store wrote the reply together with this row.
   */
  function isAnswered(rows: HistoryMessage[]): boolean {
    return rows.some(row => row.id === id && row.status === 'answered')
  }
}
