import { LEGACY_ADDRESS } from '#shared/contract/events/address.ts'
import type { EventData } from '#shared/contract/events/event-types.ts'
import { reminderText } from '../messages.ts'
import { sendReply } from '../publishing.ts'
import { markSettled, type StepContext } from '../step-context.ts'

/**
 * Sends a reminder at once, even while a turn runs. It goes to the conversation's last known address, else to the
 * address where the person set it.
 */
export function onTimer(
  context: StepContext,
  correlationid: string,
  fired: EventData<'lares.timer.fired'>,
): void {
  const { settled, timeZone } = context.state
  const address = context.state.address ?? fired.address ?? LEGACY_ADDRESS
  if (settled.includes(fired.timerId)) {
    context.debugMessages.push('the reminder was said already')
    return
  }
  const { person, language } = fired
  const text = reminderText({ ...fired, timeZone })
  sendReply(context, { person, address, language, text, status: 'completed', said: [], correlationid })
  markSettled(context, [fired.timerId])
}
