import type { FunctionContext, ServiceName } from './context.ts'
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
  /** What this skill asked for more with, when `text` may be the answer. */
  asked?: Record<string, unknown>
}
