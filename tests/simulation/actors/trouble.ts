import { setTimeout as wait } from 'node:timers/promises'
import { LaresError } from '../../../shared/base/errors.ts'
import type { InvocationContext } from '../../../shared/contract/context.ts'
import type { AnyFunction, HandlerResult } from '../../../shared/contract/definition.ts'
import type { EventDraft, LaresEvent } from '../../../shared/contract/events/event.ts'
import type { Names } from '../trace.ts'
import type { World } from '../world/calls.ts'

/** The faults of functions, until they are healed. */
export type FunctionFaults = {
  /** The function as the author wrote it, in trouble. */
  withFaults(definition: AnyFunction): AnyFunction
  /** Every attempt of these fails: those of one conversation at a function. */
  addStuckConversation(stuck: StuckConversation): void
  /** From now on the failed events succeed. */
  heal(eventId: string): void
  healAll(): void
}

export type StuckConversation = { function: string; conversation: string; how: 'fails' | 'hangs' }

export function openFunctionFaults({ chance, trace }: World, names: Names): FunctionFaults {
  /** How each event fails its function; decided once, so that every attempt fails alike. */
  const poisoned = new Map<string, 'rejects' | 'fails' | undefined>()
  const healed = new Set<string>()
  let stuckConversations: StuckConversation[] = []
  let isHealthy = false

  const poisonOf = (name: string, site: string, { id }: LaresEvent) => {
    const key = `${name} ${id}`
    if (!poisoned.has(key))
      poisoned.set(
        key,
        chance.injects('rejects', site) ? 'rejects' : chance.injects('fails', site) ? 'fails' : undefined,
      )
    return isHealthy || healed.has(id) ? undefined : poisoned.get(key)
  }
  const failBefore = async (name: string, site: string, event: LaresEvent, { signal }: InvocationContext) => {
    const poison = poisonOf(name, site, event)
    if (poison === 'rejects') throw new LaresError('rejected', 'it is poisonous')
    if (poison === 'fails') throw new Error('it fails every time')
    const stuckConversation = stuckConversations.find(
      one => one.function === name && one.conversation === event.subject,
    )
    if (stuckConversation?.how === 'fails') throw new Error('it is stuck')
    if (stuckConversation || chance.injects('hangs', site)) await wait(400_000, undefined, { signal })
    if (chance.injects('slow', site)) await wait(chance.between(`slow ${site}`, 500, 20_000))
    if (chance.injects('fails-once', `${site} begins`)) throw new Error('this try fails before its work')
  }
  return {
    addStuckConversation: one => void stuckConversations.push(one),
    heal: id => void healed.add(id),
    healAll() {
      isHealthy = true
      stuckConversations = []
    },
    withFaults(definition) {
      const { name, handle } = definition
      return {
        ...definition,
        async handle(event, context) {
          const site = `${name} ${event.type.slice(6)} ${names.nameOf(event.correlationid)}`
          trace(() => `${name} begins ${event.type.slice(6)} of ${names.nameOf(event.correlationid)}`)
          await failBefore(name, site, event as LaresEvent, context)
          const result = (await handle(event, context)) ?? undefined
          if (isStream(result)) return chance.injects('half-said', site) ? cutStream(result) : result
          if (chance.injects('fails-once', `${site} ends`)) throw new Error('this try fails after its work')
          return result
        },
      }
    },
  }
}

const isStream = (result: HandlerResult): result is AsyncIterable<EventDraft> =>
  typeof result === 'object' && Symbol.asyncIterator in result

async function* cutStream(drafts: AsyncIterable<EventDraft>): AsyncGenerator<EventDraft> {
  let count = 0
  for await (const draft of drafts) {
    if (++count > 2) throw new Error('this try breaks in the middle of its stream')
    yield draft
  }
  throw new Error('this try breaks at the end of its stream')
}
