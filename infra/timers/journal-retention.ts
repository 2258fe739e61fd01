import type { Logger } from '../../shared/base/log.ts'
import { DEFAULT_RETENTION_MS } from '../../shared/contract/topics.ts'
import type { Store } from '../../shared/store/store.ts'

/** One day more than the log keeps its records, so that no record comes again after the journal has dropped it. */
const JOURNAL_RETENTION_MS = DEFAULT_RETENTION_MS + 24 * 60 * 60 * 1_000
const TRIM_INTERVAL_MS = 60 * 60 * 1_000

/**
 * Keeps dialog's journal from growing for ever. Several processes may run it at once. The next trim makes up for a
 * failed one.
 */
export function startJournalTrimming(
  store: Pick<Store, 'trimJournal'>,
  log: Logger,
  now: () => number = Date.now,
): { close(): Promise<void> } {
  const trim = () =>
    store
      .trimJournal(now() - JOURNAL_RETENTION_MS)
      .catch(error => log.warn({ err: error }, 'the journal could not be trimmed; trying again in an hour'))
  let lastRun = trim()
  const timer = setInterval(() => {
    lastRun = trim()
  }, TRIM_INTERVAL_MS)
  return {
    async close() {
      clearInterval(timer)
      await lastRun
    },
  }
}
