import type { SkillRequest } from '../../../shared/contract/events/event-types.ts'
import type { Audit } from '../../../shared/protection/audit/audit.ts'
import type { Invoker } from './invoker.ts'

/** `lares.skill.NAME.requested`: somebody, or the model for somebody, wants something done. */
const SKILL_REQUEST_TYPE = /^lares\.skill\.(.+)\.requested$/

/** Records the use of a tool before it is used, once however often it is tried. What it is used for is not recorded. */
export function auditedInvoker(invoker: Invoker, audit: Audit): Invoker {
  return {
    ...invoker,
    async *invoke(name, event, signal) {
      const tool = SKILL_REQUEST_TYPE.exec(event.type)?.[1]
      if (tool !== undefined) {
        // Data that is elsewhere is not fetched for this.
        const person = (event.data as SkillRequest | undefined)?.person
        await audit.record({
          id: event.id,
          action: 'tool-used',
          by: person === undefined ? 'connector' : { onBehalfOf: person },
          about: { tool, conversation: event.subject, event: event.id },
        })
      }
      yield* invoker.invoke(name, event, signal)
    },
  }
}
