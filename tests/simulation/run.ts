import { type Client, startClient } from './actors/client.ts'
import { type LeaverClient, startLeaver } from './actors/leaver.ts'
import { openOperator, startFaultSchedule } from './actors/operator.ts'
import { openFunctionFaults } from './actors/trouble.ts'
import { faultRates, hash32, openChance } from './chance.ts'
import {
  checkConnectorsIdle,
  checkDerivedIds,
  checkJournal,
  listUnfinishedOffsets,
} from './checks/bookkeeping.ts'
import { checkDeliveries } from './checks/deliveries.ts'
import { checkDocuments } from './checks/documents.ts'
import { collectFindings } from './checks/findings.ts'
import { checkEncryption, checkErasure, checkGroups } from './checks/privacy.ts'
import {
  checkAlarms,
  checkIsolation,
  checkNothingLost,
  checkPages,
  checkRepliesOnce,
  checkReplyOrder,
  checkRetriedDeadLetters,
  type Violations,
} from './checks/promises.ts'
import { openVisitedStates } from './checks/visited.ts'
import { type Clock, openClock } from './clock.ts'
import type { FaultName } from './faults.ts'
import { installSimulatedGlobals } from './globals.ts'
import { createPlan, GROUP_OWNER, type Plan, reducePlan } from './plan.ts'
import { openNames, openTraceWriter } from './trace.ts'
import { type Calls, openCalls, type World } from './world/calls.ts'
import { openSimulatedInstance, type SimulatedInstance, type SimulationContext } from './world/instance.ts'

export type RunOptions = {
  seed: number
  /** Only these kinds of faults. */
  kinds?: readonly FaultName[]
  /** Only these faults and messages, by name: a shrunk history. */
  only?: { faults: ReadonlySet<string>; says: ReadonlySet<string> }
  /** Records the trace. */
  lines?: string[]
}

export type RunResult = {
  seed: number
  plan: Plan
  violations: Violations
  /** The faults that happened. */
  faults: string[]
  states: Set<number>
  simulatedMs: number
}

const BOOT_MS = 2_000
const FAULT_PERIOD_MS = 30_000
const UNAVAILABLE_MS = 40_000
/** By then finished work is committed, and due timers are fired. */
const QUIET_MS = 1_500
/** A page looks at the store by itself at least this often. */
const PAGE_RECHECK_MS = 17_000
/**
 * After this time without faults all must be finished: longer than the ten minutes that work waits for an unreachable
 * function.
 */
const CALM_TIMEOUT_MS = 25 * 60_000

/**
 * One history, from the start of the instance to the end of all work, and the promises that it broke. The same options
 * give the same history.
 */
export async function runSimulation({ seed, kinds, only, lines }: RunOptions): Promise<RunResult> {
  const fullPlan = createPlan(seed)
  const plan = only ? reducePlan(fullPlan, only.says) : fullPlan
  const rates = plan.scenario === 'storm' ? faultRates(seed, kinds) : new Map()
  const clock = openClock()
  const chance = openChance({ seed: hash32(seed, 'chance'), rates, onlyFaults: only?.faults })
  const trace = openTraceWriter(clock, lines)
  const restore = installSimulatedGlobals(clock, seed)
  const visited = openVisitedStates()
  const violations: Violations = []
  const onUnhandledRejection = (error: unknown) =>
    void violations.push(`P1 nobody caught: ${(error as Error).stack ?? error}`)
  process.on('unhandledRejection', onUnhandledRejection)
  try {
    const names = openNames()
    const world: World = { clock, chance, trace }
    const functionFaults = openFunctionFaults(world, names)
    const context: SimulationContext = {
      ...world,
      calls: openCalls(world),
      names,
      visited,
      functionFaults,
      plan,
    }
    const instance = openSimulatedInstance(context)
    let isOver = false
    const scenario = runScenario(instance, plan, context).then(found => void violations.push(...found))
    const ended = scenario.catch(onUnhandledRejection).finally(() => {
      isOver = true
    })
    await clock.runUntil(() => isOver)
    await ended
  } finally {
    restore()
    process.off('unhandledRejection', onUnhandledRejection)
  }
  return {
    seed,
    plan,
    violations,
    faults: chance.injectedFaults,
    states: visited.states,
    simulatedMs: clock.nowMs(),
  }
}

/** The events from outside: people talk while things go wrong; then it is calm, and failed work is retried. */
async function runScenario(
  instance: SimulatedInstance,
  plan: Plan,
  context: SimulationContext,
): Promise<Violations> {
  const { clock, chance, functionFaults } = context
  for (const machine of instance.machines) machine.start()
  const operator = openOperator(instance, context)
  for (const stuckConversation of plan.stuckConversations)
    functionFaults.addStuckConversation(stuckConversation)
  startFaultSchedule(instance, operator, context)
  await clock.wait(BOOT_MS)
  const unavailable = instance.machines.find(({ name }) => name === plan.unavailableFunction)
  unavailable?.keepDown(true)
  const clientDependencies = { ...context, gateways: instance.gateways }
  const clients = plan.scripts.map(script => startClient(script, clientDependencies))
  const leaver = plan.leaver && startLeaver(plan.leaver, instance, clientDependencies)
  const actors: Actors = { clients, leaver }
  if (plan.scenario === 'asleep') await clock.wait(UNAVAILABLE_MS)
  else await waitUntilSettled(instance, actors, context, FAULT_PERIOD_MS)
  unavailable?.keepDown(false)
  chance.stopFaults()
  functionFaults.healAll()
  context.trace(() => 'from now on nothing goes wrong')
  const unsettled = await waitUntilSettled(instance, actors, context, CALM_TIMEOUT_MS)
  const wereRetried = chance.uniform('put back') < 0.7
  if (wereRetried && !unsettled) await operator.retryAll()
  const stillUnsettled = unsettled ?? (await waitUntilSettled(instance, actors, context, CALM_TIMEOUT_MS))
  return stillUnsettled
    ? [`P1 it does not end: ${stillUnsettled}`]
    : await checkPromises(instance, actors, plan, wereRetried)
}

type Actors = { clients: Client[]; leaver: LeaverClient | undefined }

/**
 * Waits until everybody has sent everything, everything is finished, and the pages show it. Returns what is still
 * unfinished. A page that shows less than the history is awaited no longer than the time after which it polls by
 * itself.
 */
async function waitUntilSettled(
  instance: SimulatedInstance,
  actors: Actors,
  { clock, calls }: SimulationContext,
  timeoutMs: number,
): Promise<string | undefined> {
  const untilMs = clock.nowMs() + timeoutMs
  let quietSinceMs = clock.nowMs()
  for (;;) {
    await clock.wait(500)
    const blockers = [
      ...listDownMachines(instance, clock),
      ...listUnreachable(calls),
      ...(await listUnfinished(instance, actors)),
    ]
    if (blockers.length > 0) quietSinceMs = clock.nowMs()
    const quietMs = clock.nowMs() - quietSinceMs
    if (
      quietMs > PAGE_RECHECK_MS ||
      (quietMs > QUIET_MS && (await arePagesCurrent(instance, actors.clients)))
    )
      return undefined
    if (clock.nowMs() > untilMs) return blockers.join('; ') || 'the pages are behind'
  }
}

/** A paused process resumes, and may do harm, before the promises are checked. */
const listDownMachines = ({ machines }: SimulatedInstance, clock: Clock): string[] =>
  machines
    .filter(({ life }) => !life || life.pausedUntilMs > clock.nowMs())
    .map(({ name }) => `${name} is not up`)

/** No dead letter can be retried then. */
const listUnreachable = ({ isUnreachable }: Calls): string[] =>
  (['bus', 'store', 'receiver'] as const).filter(isUnreachable).map(service => `the ${service} is away`)

async function listUnfinished(instance: SimulatedInstance, { clients, leaver }: Actors): Promise<string[]> {
  const { timers } = instance.store.driver
  const pendingTimers = await Promise.all(
    ['ann', 'bob', GROUP_OWNER].map(person => timers.pending(person, 1)),
  )
  return [
    ...clients
      .filter(client => !client.isDone())
      .map(({ script }) => `${script.conversation} has more to say`),
    ...(leaver && !leaver.isDone() ? [`${leaver.script.person} is not yet forgotten`] : []),
    ...listUnfinishedOffsets(instance),
    ...pendingTimers.flat().map(({ id }) => `the alarm ${id.slice(0, 8)} waits`),
  ]
}

/** Whether each page shows the history. */
async function arePagesCurrent({ store }: SimulatedInstance, clients: Client[]): Promise<boolean> {
  for (const { script, page } of clients)
    for (const { id, sequence } of await store.driver.history.list(script.conversation, { limit: 1_000 }))
      if (page.get(id)?.sequence !== sequence) return false
  return true
}

async function checkPromises(
  instance: SimulatedInstance,
  { clients, leaver }: Actors,
  plan: Plan,
  wereRetried: boolean,
): Promise<Violations> {
  const findings = await collectFindings(instance, clients, leaver)
  return [
    ...checkNothingLost(findings),
    ...checkRepliesOnce(findings),
    ...(await checkAlarms(findings)),
    ...checkReplyOrder(findings),
    ...checkPages(findings),
    ...checkIsolation(findings, plan),
    ...checkRetriedDeadLetters(findings, plan, wereRetried),
    ...checkDerivedIds(findings),
    ...(await checkJournal(findings)),
    ...checkConnectorsIdle(findings),
    ...(await checkDeliveries(findings)),
    ...(await checkDocuments(findings)),
    ...(await checkEncryption(findings, plan)),
    ...(await checkErasure(findings)),
    ...(await checkGroups(findings)),
  ]
}
