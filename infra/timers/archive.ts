import type { Logger } from '../../shared/base/log.ts'
import type { ObjectStore } from '../../shared/objects/objects.ts'

const DAY_MS = 24 * 60 * 60 * 1_000

/**
 * Moves objects that nobody has written for `days` to cold storage, at the start and then each day. The next run makes
 * up for a failed one.
 */
export function startArchiving(
  objects: Pick<ObjectStore, 'archive'>,
  days: number,
  log: Logger,
  now: () => number = Date.now,
): { close(): Promise<void> } {
  const archiveOld = async () => {
    try {
      const moved = await objects.archive(now() - days * DAY_MS)
      if (moved > 0) log.info({ moved }, 'old objects were moved to cold storage')
    } catch (error) {
      log.warn({ err: error }, 'old objects could not be moved to cold storage; trying again tomorrow')
    }
  }
  let lastRun = archiveOld()
  const timer = setInterval(() => {
    lastRun = archiveOld()
  }, DAY_MS)
  return {
    async close() {
      clearInterval(timer)
      await lastRun
    },
  }
}
