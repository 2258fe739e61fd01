import type { Log } from '../../shared/base/log.ts'
import { firstEvent, type LaresEvent } from '../../shared/contract/events/event.ts'
import type { EventLog } from '../../shared/contract/events/event-log.ts'
import { derivedId } from '../../shared/contract/events/ids.ts'
import type { Timer, Timers } from '../../shared/store/store.ts'

const LOOK_EVERY_MS = 1_000
const BATCH = 100

/**
 * Puts timers that are due on the log, then marks them as fired. A crash between the two makes them fire again under
 * the same event id, which dialog has in its journal. What came due while nothing ran fires at the next look.
 */
export function startTimers(
  timers: Timers,
  events: EventLog,
  log: Log,
  now: () => number = Date.now,
): { close(): Promise<void> } {
  let closed = false
  let wait: NodeJS.Timeout | undefined
  const fireDue = async () => {
    let due: Timer[]
    do {
      due = await timers.due(now(), BATCH)
      const made = due.flatMap(timer => eventOf(timer, now(), log) ?? [])
      if (made.length > 0) await events.publish(made)
      await timers.markFired(due.map(({ id }) => id))
    } while (due.length === BATCH && !closed)
  }
  const look = async () => {
    try {
      await fireDue()
    } catch (error) {
      log.warn({ err: error }, 'timers could not be fired; trying again')
    }
    if (!closed) wait = setTimeout(() => (looking = look()), LOOK_EVERY_MS)
  }
  let looking = look()
  return {
    async close() {
      closed = true
      clearTimeout(wait)
      await looking
    },
  }
}

/** One that no event can be made of would hold up all others for ever. */
function eventOf(timer: Timer, nowMs: number, log: Log): LaresEvent | undefined {
  const { id, conversation, person, text, language, dueAt } = timer
  try {
    return firstEvent({
      id: derivedId(id, 'timers', 0),
      source: '/lares/timers',
      type: 'lares.timer.fired',
      conversation,
      data: { timerId: id, person, text, language, dueAt, firedAt: new Date(nowMs).toISOString() },
    })
  } catch (error) {
    log.error({ timer: id, err: error }, 'a timer is not sound and will not fire')
    return undefined
  }
}
