import type { FunctionContext, ServiceName } from '../context.ts'
import type { Address, Sender } from '../events/address.ts'
import type { Language } from '../events/event-types.ts'

/** The context of a skill's call. */
export type SkillContext<Uses extends ServiceName = never, State = unknown> = FunctionContext<Uses, State> & {
  conversation: string
  person: string
  language: Language
  /** IANA name, e.g. `Europe/Berlin`. */
  timeZone: string
  /** The person's words. */
  text: string
  /** When the person said them. */
  saidAt: Date
  /** The address of the message; `timers.schedule` stores it with the timer. */
  address?: Address
  /** The sender. In a group, `person` is the group and `sender` is the member. */
  sender?: Sender
  /** The state of this skill's follow-up question, when `text` may be its answer. */
  asked?: Record<string, unknown>
}
