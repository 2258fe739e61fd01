import type { Log } from '../../shared/base/log.ts'
import { RETENTION_MS } from '../../shared/contract/topics.ts'
import type { Conversations } from '../../shared/store/store.ts'

/** A day more than the log keeps its records, so that none comes again to a journal that has forgotten it. */
const JOURNAL_MS = RETENTION_MS + 24 * 60 * 60 * 1_000
const TRIM_EVERY_MS = 60 * 60 * 1_000

/** Keeps dialog's journal from growing for ever. Several may run at once; a trim that fails is made up for by the next. */
export function startTrimming(
  conversations: Pick<Conversations, 'trimJournal'>,
  log: Log,
  now: () => number = Date.now,
): { close(): Promise<void> } {
  const trim = () =>
    conversations
      .trimJournal(now() - JOURNAL_MS)
      .catch(error => log.warn({ err: error }, 'the journal could not be trimmed; trying again in an hour'))
  let last = trim()
  const timer = setInterval(() => {
    last = trim()
  }, TRIM_EVERY_MS)
  return {
    async close() {
      clearInterval(timer)
      await last
    },
  }
}
