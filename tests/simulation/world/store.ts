import { openSqliteStore } from '../../../shared/store/sqlite/sqlite-store.ts'
import type { StepRequest, Store } from '../../../shared/store/store.ts'
import type { VisitedStates } from '../checks/visited.ts'
import type { Names } from '../trace.ts'
import type { Call, Calls, World } from './calls.ts'
import type { Life } from './machine.ts'

/**
 * The simulated store: the real embedded driver in memory, so that transactions, journal and history are the product's,
 * behind a network that loses calls and answers.
 */
export type SimulatedStore = {
  forProcess(life: Life): Store
  /** The driver itself, for observers from outside. */
  driver: Store
}

export function openSimulatedStore(
  calls: Calls,
  world: World,
  names: Names,
  visited: VisitedStates,
): SimulatedStore {
  const driver = openSqliteStore(':memory:')
  return { driver, forProcess: life => storeForProcess(life, driver, calls, world, names, visited) }
}

function storeForProcess(
  life: Life,
  driver: Store,
  calls: Calls,
  { chance }: World,
  names: Names,
  visited: VisitedStates,
): Store {
  const call = <T>(site: string, effect: Call<T>['effect']) =>
    calls.call({
      life,
      target: 'store',
      site,
      effect,
      refusedFault: 'store-refused',
      unconfirmedFault: 'store-unconfirmed',
    })

  /** Every method of a part as a call, told as `PART.METHOD`. */
  const asCalls = <T extends object>(part: string, methods: T): T =>
    Object.fromEntries(
      Object.entries(methods).map(([method, run]) => [
        method,
        (...args: unknown[]) =>
          call(`${part}.${method} ${describeArguments(args, names)}`, async () => {
            const result = await run(...args)
            if (WRITE_METHODS.has(method))
              visited.setPart(`${part} ${describeArguments(args, names)}`, JSON.stringify(args))
            return result
          }),
      ]),
    ) as T

  const step = <State, Outcome>(request: StepRequest<State, Outcome>): Promise<Outcome> => {
    const { conversation, eventId } = request
    const site = `store.step ${conversation} ${names.nameOf(eventId)}`
    const apply: typeof request.apply = state => {
      if (chance.injects('apply-twice', `${life.name} ${site}`)) request.apply(structuredClone(state))
      const result = request.apply(state)
      visited.setPart(`state ${conversation}`, JSON.stringify(result.state))
      for (const { id, status, inReplyTo } of result.messages)
        visited.setPart(`row ${id}`, `${status} ${inReplyTo}`)
      return result
    }
    return call(site, () => driver.step({ ...request, apply }))
  }
  return {
    step,
    history: asCalls('history', driver.history),
    records: asCalls('documents', driver.records),
    timers: asCalls('timers', driver.timers),
    rows: {
      ...driver.rows,
      erase: person => call(`rows.forget ${person}`, () => driver.rows.erase(person)),
    },
    audit: {
      ...driver.audit,
      append: (id, make) => call('audit.append', () => driver.audit.append(id, make)),
    },
    copy: driver.copy,
    trimJournal: beforeMs => call('store.trimJournal', () => driver.trimJournal(beforeMs)),
    check: () => call('store.check', () => driver.check()),
    close: async () => undefined,
  }
}

const WRITE_METHODS = new Set(['accept', 'put', 'insert', 'delete', 'schedule', 'cancel', 'markFired'])

/** The subject of a call, so that its place in one run is its place in another. */
function describeArguments(args: unknown[], names: Names): string {
  const parts = args.map(one => {
    if (typeof one === 'string') return names.nameOf(one)
    if (Array.isArray(one)) return one.map(id => names.nameOf(String(id))).join(',')
    const { conversation, collection, id } = (one ?? {}) as Record<string, string | undefined>
    return [conversation, collection, id && names.nameOf(id)].filter(Boolean).join('/')
  })
  return parts.join(' ')
}
