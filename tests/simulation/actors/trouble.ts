import { setTimeout as wait } from 'node:timers/promises'
import { LaresError } from '../../../shared/base/errors.ts'
import type { InvocationContext } from '../../../shared/contract/context.ts'
import type { AnyFunction, HandlerResult } from '../../../shared/contract/definition.ts'
import type { EventDraft, LaresEvent } from '../../../shared/contract/events/event.ts'
import type { Names } from '../trace.ts'
import type { World } from '../world/calls.ts'

/** What is wrong with functions, until it is put right. */
export type Troubles = {
  /** The function as the author wrote it, in trouble. */
  trouble(definition: AnyFunction): AnyFunction
  /** Every try of these fails: of a function, those of one conversation. */
  stick(stuck: Stuck): void
  /** From now on the events that failed will succeed. */
  heal(eventId: string): void
  healAll(): void
}

export type Stuck = { function: string; conversation: string; how: 'fails' | 'hangs' }

export function openTroubles({ chance, trace }: World, names: Names): Troubles {
  /** How each event fails its function; decided once, so that every try of it fails alike. */
  const poisoned = new Map<string, 'rejects' | 'fails' | undefined>()
  const healed = new Set<string>()
  let stuck: Stuck[] = []
  let isHealthy = false

  const poisonOf = (name: string, place: string, { id }: LaresEvent) => {
    const key = `${name} ${id}`
    if (!poisoned.has(key))
      poisoned.set(
        key,
        chance.fault('rejects', place) ? 'rejects' : chance.fault('fails', place) ? 'fails' : undefined,
      )
    return isHealthy || healed.has(id) ? undefined : poisoned.get(key)
  }
  const before = async (name: string, place: string, event: LaresEvent, { signal }: InvocationContext) => {
    const poison = poisonOf(name, place, event)
    if (poison === 'rejects') throw new LaresError('rejected', 'it is poisonous')
    if (poison === 'fails') throw new Error('it fails every time')
    const sticking = stuck.find(one => one.function === name && one.conversation === event.subject)
    if (sticking?.how === 'fails') throw new Error('it is stuck')
    if (sticking || chance.fault('hangs', place)) await wait(400_000, undefined, { signal })
    if (chance.fault('slow', place)) await wait(chance.between(`slow ${place}`, 500, 20_000))
    if (chance.fault('fails-once', `${place} begins`)) throw new Error('this try fails before its work')
  }
  return {
    stick: one => void stuck.push(one),
    heal: id => void healed.add(id),
    healAll() {
      isHealthy = true
      stuck = []
    },
    trouble(definition) {
      const { name, handle } = definition
      return {
        ...definition,
        async handle(event, context) {
          const place = `${name} ${event.type.slice(6)} ${names.of(event.correlationid)}`
          trace(() => `${name} begins ${event.type.slice(6)} of ${names.of(event.correlationid)}`)
          await before(name, place, event as LaresEvent, context)
          const result = (await handle(event, context)) ?? undefined
          if (isStream(result)) return chance.fault('half-said', place) ? halfOf(result) : result
          if (chance.fault('fails-once', `${place} ends`)) throw new Error('this try fails after its work')
          return result
        },
      }
    },
  }
}

const isStream = (result: HandlerResult): result is AsyncIterable<EventDraft> =>
  typeof result === 'object' && Symbol.asyncIterator in result

async function* halfOf(drafts: AsyncIterable<EventDraft>): AsyncGenerator<EventDraft> {
  let count = 0
  for await (const draft of drafts) {
    if (++count > 2) throw new Error('this try breaks in the middle of its stream')
    yield draft
  }
  throw new Error('this try breaks at the end of its stream')
}
