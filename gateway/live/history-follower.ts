import type { History, HistoryMessage } from '../../shared/store/store.ts'
import type { GatewayContext } from '../context.ts'
import type { LiveEvent } from './live-event.ts'
import type { LiveUpdates } from './live-updates.ts'

export type Watcher = {
  /** Receives new and changed rows, oldest change first. The follower reads no further rows until this resolves. */
  onRows(rows: HistoryMessage[]): Promise<void>
  onLive(event: Exclude<LiveEvent, { kind: 'changed' }>): void
  /** Called when the store cannot be read; the client reconnects later. */
  onError(error: unknown): void
}

/** The number of rows in one read. */
const BATCH_SIZE = 100
/** The follower reads the store this often even without a wake-up, because wake-ups may be lost. */
const RECHECK_INTERVAL_MS = 15_000

/**
 * Follows a conversation from a sequence on. It listens before it reads, so no change is lost in between. Each row
 * comes once and in order; live events come as they happen. Returns a function that ends it.
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

/**
 * The current sequence of a conversation's history. A row older than the last hundred may be sent again: rows are
 * idempotent.
 */
export async function currentSequence(
  { options }: Pick<GatewayContext, 'options'>,
  conversation: string,
): Promise<number> {
  const rows = await options.store.history.list(conversation, { limit: BATCH_SIZE })
  return Math.max(0, ...rows.map(row => row.sequence))
}

/** A row as clients see it. */
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
  // A group's conversation has several senders.
  ...(role === 'user' && sender?.person !== undefined && { sender: sender.person }),
})
