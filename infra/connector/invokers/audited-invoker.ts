import type { SkillRequest } from '../../../shared/contract/events/event-types.ts'
import type { Audit } from '../../../shared/protection/audit/audit.ts'
import type { Invoker } from './invoker.ts'

/** `lares.skill.NAME.requested`: a person asks for a skill, or the model asks on the person's behalf. */
const SKILL_REQUEST_TYPE = /^lares\.skill\.(.+)\.requested$/

/** Records the use of a tool before the call, once for all attempts. The audit log does not hold the tool's input. */
export function auditedInvoker(invoker: Invoker, audit: Audit): Invoker {
  return {
    ...invoker,
    async *invoke(name, event, signal) {
      const tool = SKILL_REQUEST_TYPE.exec(event.type)?.[1]
      if (tool !== undefined) {
        // The data of a claim check is not resolved for the audit.
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
