import type { FunctionContext, ServiceName } from './context.ts'
import type { Address, Sender } from './events/address.ts'
import type { Language } from './events/event-types.ts'

/** What a skill knows of the call it serves. */
export type SkillContext<Uses extends ServiceName = never, State = unknown> = FunctionContext<Uses, State> & {
  conversation: string
  person: string
  language: Language
  /** IANA name, e.g. `Europe/Berlin`. */
  timeZone: string
  /** What the person said. */
  text: string
  /** When they said it. */
  saidAt: Date
  /** Where they said it: `timers.schedule` takes it along. */
  address?: Address
  /** Who said it. In a group `person` is the group, and this is the member. */
  sender?: Sender
  /** What this skill asked for more with, when `text` may be the answer. */
  asked?: Record<string, unknown>
}
