import dialog from '../../../functions/dialog/handler.ts'
import generation from '../../../functions/generation/handler.ts'
import intent from '../../../functions/intent/handler.ts'
import memory from '../../../functions/memory/handler.ts'
import { type Connector, startConnector } from '../../../infra/connector/connector.ts'
import { startTimers } from '../../../infra/timers/timers.ts'
import type { Logger as ProcessLog } from '../../../shared/base/log.ts'
import { openCatalogue } from '../../../shared/contract/catalogue.ts'
import type { Services } from '../../../shared/contract/context.ts'
import type { AnyFunction } from '../../../shared/contract/definition.ts'
import { createInvocable } from '../../../shared/contract/invoke.ts'
import { topicsOf } from '../../../shared/contract/plugin.ts'
import type { DeployedFunction } from '../../../shared/contract/stack.ts'
import { fixedTopics } from '../../../shared/contract/topics.ts'
import { openSqliteVectors } from '../../../shared/vectors/sqlite.ts'
import type { Vectors } from '../../../shared/vectors/vectors.ts'
import type { Troubles } from '../actors/trouble.ts'
import type { Visited } from '../checks/visited.ts'
import { openDrivers, type SimulatedDrivers } from '../drivers.ts'
import type { Plan } from '../plan.ts'
import type { Names } from '../trace.ts'
import { openBus, type SimulatedBus } from './bus.ts'
import type { Calls, World } from './calls.ts'
import { type GatewayRooms, openRooms } from './gateways.ts'
import { type Log, openLog } from './log.ts'
import { type Life, type Machine, openMachine } from './machine.ts'
import { openModel } from './model.ts'
import { type Hosts, simulatedInvoker } from './network.ts'
import { openObjects } from './objects.ts'
import { openReceiver, type Receiver } from './receiver.ts'
import { alarm, echo, refuse } from './skills.ts'
import { openStore, type SimulatedStore } from './store.ts'

/** Two gateways, two connectors with their timers, and a process for each function, on one bus and one store. */
export type House = {
  log: Log
  bus: SimulatedBus
  store: SimulatedStore
  drivers: SimulatedDrivers
  receiver: Receiver
  vectors: Vectors
  machines: Machine[]
  gateways: Gateway[]
  /** Of the connectors that are up. */
  connectors(): Connector[]
  deployed: DeployedFunction[]
}

export type Gateway = { machine: Machine; rooms: GatewayRooms | undefined }

export type HouseParts = World & {
  calls: Calls
  names: Names
  visited: Visited
  troubles: Troubles
  plan: Plan
}

/** Few at once, so that one that holds a place in vain is noticed. */
const CONCURRENCY = 2

const FUNCTIONS: AnyFunction[] = [intent, memory, dialog, generation, echo, alarm, refuse]

export function openHouse(parts: HouseParts): House {
  const { clock, chance, calls, names, visited } = parts
  const log = openLog(clock, chance, visited)
  for (const { name } of fixedTopics()) log.make(name)
  const bus = openBus(log, calls, parts, names)
  const store = openStore(calls, parts, names, visited)
  const drivers = openDrivers(
    { log, bus, store, objects: openObjects(calls, names) },
    calls,
    parts.plan.isProtected,
  )
  const vectors = apart(clock, openSqliteVectors(':memory:'))
  const receiver = openReceiver(calls, parts, names)
  const deployed = FUNCTIONS.map(one => ({ name: one.name, topics: topicsOf(one) }))
  const hosts: Hosts = new Map()
  const machines: Machine[] = []
  const started = (machine: Machine) => {
    machines.push(machine)
    return machine
  }
  for (const definition of FUNCTIONS) {
    const host = started(
      openMachine(
        definition.name,
        life => bootFunction(life, definition, { ...parts, drivers, vectors, hosts }),
        parts,
      ),
    )
    hosts.set(definition.name, { machine: host, invocable: undefined })
  }
  const connectors = new Map<Life, Connector>()
  for (const name of ['connector-a', 'connector-b'])
    started(openMachine(name, life => bootConnector(life), parts))
  const gateways = ['gateway-a', 'gateway-b'].map(name => {
    const gateway: Gateway = {
      machine: openMachine(name, life => bootGateway(life), parts),
      rooms: undefined,
    }
    started(gateway.machine)
    const bootGateway = async (life: Life) => {
      const own = drivers.of(life)
      const documents = receiver.watched(life, own.conversations.records)
      const opened = openRooms({
        ...own,
        conversations: { ...own.conversations, records: documents },
        log: processLog(life, parts),
        channel: receiver.channel(life),
      })
      gateway.rooms = opened.rooms
      return opened.close
    }
    return gateway
  })

  async function bootConnector(life: Life) {
    const { bus, conversations, events } = drivers.of(life)
    const laresLog = processLog(life, parts)
    const timers = startTimers(conversations.timers, events, laresLog)
    const connector = await startConnector({
      bus,
      events,
      source: async () => deployed,
      invoker: simulatedInvoker(life, hosts, calls, parts, names),
      catalogue: openCatalogue(conversations.records),
      log: laresLog,
      refreshIntervalMs: 5_000,
    })
    connectors.set(life, connector)
    life.onDeath(() => connectors.delete(life))
    return async () => {
      await timers.close()
      await connector.close()
    }
  }
  return {
    log,
    bus,
    store,
    drivers,
    receiver,
    vectors,
    machines,
    gateways,
    deployed,
    connectors: () => [...connectors.values()],
  }
}

/** A server that all reach and that dies with none of them: what it does belongs to no process. */
function apart(clock: World['clock'], { index, ...server }: Vectors): Vectors {
  const outside = <T extends object>(methods: T): T =>
    Object.fromEntries(
      Object.entries(methods).map(([name, run]) => [
        name,
        (...given: unknown[]) => clock.as(undefined, () => run(...given)),
      ]),
    ) as T
  return {
    ...outside(server),
    index: model => clock.as(undefined, async () => outside(await index(model))),
  }
}

type FunctionParts = HouseParts & {
  drivers: SimulatedDrivers
  vectors: Vectors
  hosts: Hosts
}

async function bootFunction(life: Life, definition: AnyFunction, parts: FunctionParts) {
  const { drivers, vectors, hosts, troubles, plan } = parts
  const { conversations, objects } = drivers.of(life)
  const { records, timers } = conversations
  const services: Partial<Services> = {
    conversations,
    documents: records,
    timers,
    // Its own: what a process knows of the vectors it finds by this.
    vectors: { ...vectors },
    objects,
    catalogue: openCatalogue(records),
    models: openModel(parts),
    assistant: { name: 'Lares', instructions: 'Answer.', mode: plan.mode, maxSteps: 3, maxWaiting: 20 },
  }
  const limited = { ...definition, concurrency: CONCURRENCY }
  const one = createInvocable(troubles.trouble(limited), { services, objects, log: processLog(life, parts) })
  await one.start()
  const host = hosts.get(definition.name)!
  host.invocable = one
  life.onDeath(() => {
    host.invocable = undefined
  })
  return () => one.stop()
}

/** What a process has to say, in the trace. */
function processLog({ name }: Life, { trace }: World): ProcessLog {
  const say = (fields: object, message: string) => {
    const { err, event } = fields as { err?: Error; event?: string }
    trace(() => [`${name} says: ${message}`, event?.slice(0, 8), err?.message].filter(Boolean).join('; '))
  }
  const log: ProcessLog = { debug: say, info: say, warn: say, error: say, child: () => log }
  return log
}
