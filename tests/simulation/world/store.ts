import { openSqliteStore } from '../../../shared/store/sqlite/sqlite-store.ts'
import type { StepRequest, Store } from '../../../shared/store/store.ts'
import type { Visited } from '../checks/visited.ts'
import type { Names } from '../trace.ts'
import type { Call, Calls, World } from './calls.ts'
import type { Life } from './machine.ts'

/**
 * The simulated store: the real embedded driver in memory, so that transactions, journal and history are the product's,
 * behind a network that loses calls and answers.
 */
export type SimulatedStore = {
  of(life: Life): Store
  /** The driver itself, for whoever looks from outside. */
  driver: Store
}

export function openStore(calls: Calls, world: World, names: Names, visited: Visited): SimulatedStore {
  const driver = openSqliteStore(':memory:')
  return { driver, of: life => conversationsOf(life, driver, calls, world, names, visited) }
}

function conversationsOf(
  life: Life,
  driver: Store,
  calls: Calls,
  { chance }: World,
  names: Names,
  visited: Visited,
): Store {
  const call = <T>(place: string, effect: Call<T>['effect']) =>
    calls.make({
      life,
      of: 'store',
      place,
      effect,
      refused: 'store-refused',
      unconfirmed: 'store-unconfirmed',
    })

  /** Every method of a part as a call, told as `PART.METHOD`. */
  const through = <T extends object>(part: string, methods: T): T =>
    Object.fromEntries(
      Object.entries(methods).map(([method, run]) => [
        method,
        (...given: unknown[]) =>
          call(`${part}.${method} ${about(given, names)}`, async () => {
            const result = await run(...given)
            if (WRITES.has(method)) visited.set(`${part} ${about(given, names)}`, JSON.stringify(given))
            return result
          }),
      ]),
    ) as T

  const step = <State, Outcome>(request: StepRequest<State, Outcome>): Promise<Outcome> => {
    const { conversation, eventId } = request
    const place = `store.step ${conversation} ${names.of(eventId)}`
    const apply: typeof request.apply = state => {
      if (chance.fault('apply-twice', `${life.name} ${place}`)) request.apply(structuredClone(state))
      const result = request.apply(state)
      visited.set(`state ${conversation}`, JSON.stringify(result.state))
      for (const { id, status, inReplyTo } of result.messages)
        visited.set(`row ${id}`, `${status} ${inReplyTo}`)
      return result
    }
    return call(place, () => driver.step({ ...request, apply }))
  }
  return {
    step,
    history: through('history', driver.history),
    records: through('documents', driver.records),
    timers: through('timers', driver.timers),
    rows: {
      ...driver.rows,
      erase: person => call(`rows.forget ${person}`, () => driver.rows.erase(person)),
    },
    audit: {
      ...driver.audit,
      append: (id, make) => call('audit.append', () => driver.audit.append(id, make)),
    },
    trimJournal: beforeMs => call('store.trimJournal', () => driver.trimJournal(beforeMs)),
    check: () => call('store.check', () => driver.check()),
    close: async () => undefined,
  }
}

const WRITES = new Set(['accept', 'put', 'insert', 'delete', 'schedule', 'cancel', 'markFired'])

/** What a call is about, so that its place in one run is its place in another. */
function about(given: unknown[], names: Names): string {
  const words = given.map(one => {
    if (typeof one === 'string') return names.of(one)
    if (Array.isArray(one)) return one.map(id => names.of(String(id))).join(',')
    const { conversation, collection, id } = (one ?? {}) as Record<string, string | undefined>
    return [conversation, collection, id && names.of(id)].filter(Boolean).join('/')
  })
  return words.join(' ')
}
