import type { Logger } from '../../shared/base/log.ts'
import { createRootEvent, type LaresEvent } from '../../shared/contract/events/event.ts'
import type { EventLog } from '../../shared/contract/events/event-log.ts'
import { derivedId } from '../../shared/contract/events/ids.ts'
import type { Timer, Timers } from '../../shared/store/store.ts'

const POLL_INTERVAL_MS = 1_000
const BATCH_SIZE = 100

/**
 * Puts timers that are due on the log, then marks them as fired. After a crash between the two steps they fire again
 * under the same event id, which dialog has in its journal. Timers that came due while nothing ran fire at the next
 * poll.
 */
export function startTimers(
  timers: Timers,
  events: EventLog,
  log: Logger,
  now: () => number = Date.now,
): { close(): Promise<void> } {
  let closed = false
  let pollTimer: NodeJS.Timeout | undefined
  const fireDue = async () => {
    let due: Timer[]
    do {
      due = await timers.due(now(), BATCH_SIZE)
      const firedEvents = due.flatMap(timer => timerFiredEvent(timer, now(), log) ?? [])
      if (firedEvents.length > 0) await events.publish(firedEvents)
      await timers.markFired(due.map(({ id }) => id))
    } while (due.length === BATCH_SIZE && !closed)
  }
  const poll = async () => {
    try {
      await fireDue()
    } catch (error) {
      log.warn({ err: error }, 'timers could not be fired; trying again')
    }
    if (!closed) pollTimer = setTimeout(() => (polling = poll()), POLL_INTERVAL_MS)
  }
  let polling = poll()
  return {
    async close() {
      closed = true
      clearTimeout(pollTimer)
      await polling
    },
  }
}

/** The event of a timer; undefined when the timer makes no valid event, which would block all others for ever. */
function timerFiredEvent(timer: Timer, nowMs: number, log: Logger): LaresEvent | undefined {
  const { id, conversation, person, text, language, dueAt, address } = timer
  try {
    return createRootEvent({
      id: derivedId(id, 'timers', 0),
      source: '/lares/timers',
      type: 'lares.timer.fired',
      conversation,
      data: {
        timerId: id,
        person,
        text,
        language,
        dueAt,
        firedAt: new Date(nowMs).toISOString(),
        ...(address && { address }),
      },
    })
  } catch (error) {
    log.error({ timer: id, err: error }, 'a timer is not sound and will not fire')
    return undefined
  }
}
