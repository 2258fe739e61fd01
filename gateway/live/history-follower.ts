import type { History, HistoryMessage } from '../../shared/store/store.ts'
import type { Rooms } from '../context.ts'
import type { Live, LiveEvent } from './live-updates.ts'

export type Watcher = {
  /** Rows that are new or have changed, oldest change first. Nothing more is read until this resolves. */
  onRows(rows: HistoryMessage[]): Promise<void>
  onLive(event: Exclude<LiveEvent, { kind: 'changed' }>): void
  /** The store could not be read; whoever watches comes back later. */
  onError(error: unknown): void
}

/** How many rows are read at once. */
const BATCH = 100
/** The store is looked at this often even when nothing woke us, since what wakes us may miss. */
const RECHECK_MS = 15_000

/**
 * Watches a conversation from a sequence on. It listens before it reads, so nothing falls between; rows come each
 * once and in order, live events as they happen. Gives back what ends it.
 */
export function follow(
  { parts, live }: { parts: { conversations: { history: History } }; live: Pick<Live, 'listen'> },
  from: { conversation: string; after: number },
  watcher: Watcher,
): () => void {
  const { history } = parts.conversations
  let { after } = from
  let wanted = false
  let reading = false
  let ended = false
  const readOn = async () => {
    const rows = await history.changes(from.conversation, after, BATCH)
    if (ended || rows.length === 0) return
    after = rows.at(-1)!.sequence
    wanted ||= rows.length === BATCH
    await watcher.onRows(rows)
  }
  const wake = async () => {
    wanted = true
    if (reading) return
    reading = true
    try {
      while (wanted && !ended) {
        wanted = false
        await readOn()
      }
    } catch (error) {
      if (!ended) watcher.onError(error)
    } finally {
      reading = false
    }
  }
  const stop = live.listen(from.conversation, event => {
    if (event.kind === 'changed') void wake()
    else watcher.onLive(event)
  })
  const timer = setInterval(() => void wake(), RECHECK_MS)
  void wake()
  return () => {
    ended = true
    clearInterval(timer)
    stop()
  }
}

/** Where the history of a conversation is now. A row older than the last hundred may be told again: rows are idempotent. */
export async function currentSequence(
  { parts }: Pick<Rooms, 'parts'>,
  conversation: string,
): Promise<number> {
  const rows = await parts.conversations.history.list(conversation, { limit: BATCH })
  return Math.max(0, ...rows.map(row => row.sequence))
}

/** A row as people see it. */
export const shown = ({ id, role, text, inReplyTo, createdAt, status, attachments }: HistoryMessage) => ({
  id,
  role,
  text,
  inReplyTo,
  createdAt,
  status,
  ...(attachments && { attachments }),
})
