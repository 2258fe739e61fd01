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
import type { FunctionFaults } from '../actors/trouble.ts'
import type { VisitedStates } from '../checks/visited.ts'
import { openSimulatedDrivers, type SimulatedDrivers } from '../drivers.ts'
import type { Plan } from '../plan.ts'
import type { Names } from '../trace.ts'
import { openSimulatedBus, type SimulatedBus } from './bus.ts'
import type { Calls, World } from './calls.ts'
import { openSimulatedGateway, type SimulatedGatewayContext } from './gateways.ts'
import { type BrokerLog, openBrokerLog } from './log.ts'
import { type Life, type Machine, openMachine } from './machine.ts'
import { openSimulatedModel } from './model.ts'
import { type Hosts, openSimulatedInvoker } from './network.ts'
import { openSimulatedObjects } from './objects.ts'
import { openSimulatedReceiver, RECEIVER_NAMES, type Receiver } from './receiver.ts'
import { alarm, echo, refuse } from './skills.ts'
import { openSimulatedStore, type SimulatedStore } from './store.ts'

/** Two gateways, two connectors with their timers, and a process for each function, on one bus and one store. */
export type SimulatedInstance = {
  log: BrokerLog
  bus: SimulatedBus
  store: SimulatedStore
  drivers: SimulatedDrivers
  receivers: Receiver[]
  vectors: Vectors
  machines: Machine[]
  gateways: SimulatedGateway[]
  /** The connectors that are up. */
  connectors(): Connector[]
  deployedFunctions: DeployedFunction[]
}

export type SimulatedGateway = { machine: Machine; context: SimulatedGatewayContext | undefined }

export type SimulationContext = World & {
  calls: Calls
  names: Names
  visited: VisitedStates
  functionFaults: FunctionFaults
  plan: Plan
}

/** Few at once, so that one that holds a place in vain is noticed. */
const FUNCTION_CONCURRENCY = 2

const DEPLOYED_FUNCTIONS: AnyFunction[] = [intent, memory, dialog, generation, echo, alarm, refuse]

export function openSimulatedInstance(context: SimulationContext): SimulatedInstance {
  const { clock, chance, calls, names, visited } = context
  const log = openBrokerLog(clock, chance, visited)
  for (const { name } of fixedTopics()) log.createTopic(name)
  const bus = openSimulatedBus(log, calls, context, names)
  const simulatedStore = openSimulatedStore(calls, context, names, visited)
  const drivers = openSimulatedDrivers(
    { log, bus, store: simulatedStore, objects: openSimulatedObjects(calls, names) },
    calls,
    context.plan.isProtected,
  )
  const vectors = outsideProcesses(clock, openSqliteVectors(':memory:'))
  const receivers = RECEIVER_NAMES.map(name => openSimulatedReceiver(name, calls, context, names))
  const deployedFunctions = DEPLOYED_FUNCTIONS.map(one => ({ name: one.name, topics: topicsOf(one) }))
  const hosts: Hosts = new Map()
  const machines: Machine[] = []
  const register = (machine: Machine) => {
    machines.push(machine)
    return machine
  }
  for (const definition of DEPLOYED_FUNCTIONS) {
    const host = register(
      openMachine(
        definition.name,
        life => bootFunction(life, definition, { ...context, drivers, vectors, hosts }),
        context,
      ),
    )
    hosts.set(definition.name, { machine: host, invocable: undefined })
  }
  const connectors = new Map<Life, Connector>()
  for (const name of ['connector-a', 'connector-b'])
    register(openMachine(name, life => bootConnector(life), context))
  const gateways = ['gateway-a', 'gateway-b'].map(name => {
    const gateway: SimulatedGateway = {
      machine: openMachine(name, life => bootGateway(life), context),
      context: undefined,
    }
    register(gateway.machine)
    const bootGateway = async (life: Life) => {
      const own = drivers.forProcess(life)
      const opened = openSimulatedGateway({
        ...own,
        log: createProcessLogger(life, context),
        outlets: receivers.map(receiver => ({
          channel: receiver.channel(life),
          records: receiver.observeRecords(life, own.store.records),
        })),
      })
      gateway.context = opened.rooms
      return opened.close
    }
    return gateway
  })

  async function bootConnector(life: Life) {
    const { bus, store, events } = drivers.forProcess(life)
    const logger = createProcessLogger(life, context)
    const timers = startTimers(store.timers, events, logger)
    const connector = await startConnector({
      bus,
      events,
      source: async () => deployedFunctions,
      invoker: openSimulatedInvoker(life, hosts, calls, context, names),
      catalogue: openCatalogue(store.records),
      log: logger,
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
    store: simulatedStore,
    drivers,
    receivers,
    vectors,
    machines,
    gateways,
    deployedFunctions,
    connectors: () => [...connectors.values()],
  }
}

/** A server that all processes reach and that dies with none of them: its work belongs to no process. */
function outsideProcesses(clock: World['clock'], { index, ...server }: Vectors): Vectors {
  const runOutside = <T extends object>(methods: T): T =>
    Object.fromEntries(
      Object.entries(methods).map(([name, run]) => [
        name,
        (...args: unknown[]) => clock.runAs(undefined, () => run(...args)),
      ]),
    ) as T
  return {
    ...runOutside(server),
    index: model => clock.runAs(undefined, async () => runOutside(await index(model))),
  }
}

type FunctionBootDependencies = SimulationContext & {
  drivers: SimulatedDrivers
  vectors: Vectors
  hosts: Hosts
}

async function bootFunction(life: Life, definition: AnyFunction, dependencies: FunctionBootDependencies) {
  const { drivers, vectors, hosts, functionFaults, plan } = dependencies
  const { store, objects } = drivers.forProcess(life)
  const { records, timers } = store
  const services: Partial<Services> = {
    store,
    records: records,
    timers,
    // An object of its own, because a process finds its knowledge of the vectors by it.
    vectors: { ...vectors },
    objects,
    catalogue: openCatalogue(records),
    models: openSimulatedModel(dependencies),
    assistant: { name: 'Lares', instructions: 'Answer.', mode: plan.mode, maxSteps: 3, maxWaiting: 20 },
  }
  const limited = { ...definition, concurrency: FUNCTION_CONCURRENCY }
  const instance = createInvocable(functionFaults.withFaults(limited), {
    services,
    objects,
    log: createProcessLogger(life, dependencies),
  })
  await instance.start()
  const host = hosts.get(definition.name)!
  host.invocable = instance
  life.onDeath(() => {
    host.invocable = undefined
  })
  return () => instance.stop()
}

/** A process's log lines, in the trace. */
function createProcessLogger({ name }: Life, { trace }: World): ProcessLog {
  const write = (fields: object, message: string) => {
    const { err, event } = fields as { err?: Error; event?: string }
    trace(() => [`${name} says: ${message}`, event?.slice(0, 8), err?.message].filter(Boolean).join('; '))
  }
  const log: ProcessLog = { debug: write, info: write, warn: write, error: write, child: () => log }
  return log
}
