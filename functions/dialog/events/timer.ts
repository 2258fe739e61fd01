import type { EventData } from '#shared/contract/events/event-types.ts'
import { reminder } from '../messages.ts'
import { sayReply, settle, type Work } from '../step-context.ts'

/** Says a reminder at once, whatever else goes on. */
export function takeTimer(work: Work, correlationid: string, fired: EventData<'lares.timer.fired'>): void {
  const { settled, timeZone } = work.state
  if (settled.includes(fired.timerId)) {
    work.notes.push('the reminder was said already')
    return
  }
  const { person, language } = fired
  const text = reminder({ ...fired, timeZone })
  sayReply(work, { person, language, text, status: 'completed', said: [], correlationid })
  settle(work, [fired.timerId])
}
