import type { EventData } from '#shared/contract/events/event-types.ts'
import { reminderText } from '../messages.ts'
import { sendReply } from '../publishing.ts'
import { markSettled, type StepContext } from '../step-context.ts'

/** Says a reminder at once, whatever else goes on. */
export function onTimer(
  context: StepContext,
  correlationid: string,
  fired: EventData<'lares.timer.fired'>,
): void {
  const { settled, timeZone } = context.state
  if (settled.includes(fired.timerId)) {
    context.debugMessages.push('the reminder was said already')
    return
  }
  const { person, language } = fired
  const text = reminderText({ ...fired, timeZone })
  sendReply(context, { person, language, text, status: 'completed', said: [], correlationid })
  markSettled(context, [fired.timerId])
}
