import type { History, HistoryMessage } from '../../shared/store/store.ts'
import type { GatewayContext } from '../context.ts'
import type { LiveEvent } from './live-event.ts'
import type { LiveUpdates } from './live-updates.ts'

export type Watcher = {
  /** Rows that are new or have changed, oldest change first. Nothing more is read until this resolves. */
  onRows(rows: HistoryMessage[]): Promise<void>
  onLive(event: Exclude<LiveEvent, { kind: 'changed' }>): void
  /** The store could not be read; whoever watches comes back later. */
  onError(error: unknown): void
}

/** How many rows are read at once. */
const BATCH_SIZE = 100
/** The store is looked at this often even when nothing woke us, since what wakes us may miss. */
const RECHECK_INTERVAL_MS = 15_000

/**
 * Watches a conversation from a sequence on. It listens before it reads, so nothing falls between; rows come each
 * once and in order, live events as they happen. Gives back what ends it.
 */
export function followConversation(
  {
    options,
    liveUpdates,
  }: { options: { store: { history: History } }; liveUpdates: Pick<LiveUpdates, 'listen'> },
  start: { conversation: string; after: number },
  watcher: Watcher,
): () => void {
  const { history } = options.store
  let { after } = start
  let hasNews = false
  let isReading = false
  let isStopped = false
  const readBatch = async () => {
    const rows = await history.changes(start.conversation, after, BATCH_SIZE)
    if (isStopped || rows.length === 0) return
    after = rows.at(-1)!.sequence
    hasNews ||= rows.length === BATCH_SIZE
    await watcher.onRows(rows)
  }
  const wake = async () => {
    hasNews = true
    if (isReading) return
    isReading = true
    try {
      while (hasNews && !isStopped) {
        hasNews = false
        await readBatch()
      }
    } catch (error) {
      if (!isStopped) watcher.onError(error)
    } finally {
      isReading = false
    }
  }
  const stopListening = liveUpdates.listen(start.conversation, event => {
    if (event.kind === 'changed') void wake()
    else watcher.onLive(event)
  })
  const timer = setInterval(() => void wake(), RECHECK_INTERVAL_MS)
  void wake()
  return () => {
    isStopped = true
    clearInterval(timer)
    stopListening()
  }
}

/** Where the history of a conversation is now. A row older than the last hundred may be told again: rows are idempotent. */
export async function currentSequence(
  { options }: Pick<GatewayContext, 'options'>,
  conversation: string,
): Promise<number> {
  const rows = await options.store.history.list(conversation, { limit: BATCH_SIZE })
  return Math.max(0, ...rows.map(row => row.sequence))
}

/** A row as people see it. */
export const toMessageView = ({
  id,
  role,
  text,
  inReplyTo,
  createdAt,
  status,
  attachments,
  sender,
}: HistoryMessage) => ({
  id,
  role,
  text,
  inReplyTo,
  createdAt,
  status,
  ...(attachments && { attachments }),
  // In a group several people speak.
  ...(role === 'user' && sender?.person !== undefined && { sender: sender.person }),
})
