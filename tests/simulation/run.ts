import { type Client, startClient } from './actors/client.ts'
import { type Leaving, startLeaver } from './actors/leaver.ts'
import { openOperator, startWeather } from './actors/operator.ts'
import { openTroubles } from './actors/trouble.ts'
import { hash32, openChance, ratesFor } from './chance.ts'
import { held, strayIds, unfinished, unjournaled } from './checks/bookkeeping.ts'
import { documentsKept } from './checks/documents.ts'
import { findingsOf } from './checks/findings.ts'
import { forgotten, readable } from './checks/privacy.ts'
import {
  alarms,
  disordered,
  heldUp,
  lost,
  putBackInVain,
  saidTwice,
  shownWrong,
  type Violations,
} from './checks/promises.ts'
import { openVisited } from './checks/visited.ts'
import { type Clock, openClock } from './clock.ts'
import type { FaultName } from './faults.ts'
import { installGlobals } from './globals.ts'
import { type Plan, planOf, planWith } from './plan.ts'
import { openNames, openTrace } from './trace.ts'
import { type Calls, openCalls, type World } from './world/calls.ts'
import { type House, type HouseParts, openHouse } from './world/instance.ts'
import { delivered } from './world/receiver.ts'

export type RunOptions = {
  seed: number
  /** Only these kinds of faults. */
  kinds?: readonly FaultName[]
  /** Only these faults and messages, by name: a history that was shrunk. */
  only?: { faults: ReadonlySet<string>; says: ReadonlySet<string> }
  /** Takes down what happens. */
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
const STORM_MS = 30_000
const ASLEEP_MS = 40_000
/** What is finished is committed and, if it is a timer, fired by then. */
const QUIET_MS = 1_500
/** A page looks at the store by itself at least this often. */
const PAGE_LOOKS_MS = 17_000
/** After this without faults, all must be over: longer than the ten minutes that work waits for a function that is away. */
const CALM_LIMIT_MS = 25 * 60_000

/** One history, from the start of the house until all is over, and what it broke. The same options give the same history. */
export async function run({ seed, kinds, only, lines }: RunOptions): Promise<RunResult> {
  const whole = planOf(seed)
  const plan = only ? planWith(whole, only.says) : whole
  const rates = plan.weather === 'storm' ? ratesFor(seed, kinds) : new Map()
  const clock = openClock()
  const chance = openChance({ seed: hash32(seed, 'chance'), rates, only: only?.faults })
  const trace = openTrace(clock, lines)
  const restore = installGlobals(clock, seed)
  const visited = openVisited()
  const violations: Violations = []
  const onStray = (error: unknown) =>
    void violations.push(`P1 nobody caught: ${(error as Error).stack ?? error}`)
  process.on('unhandledRejection', onStray)
  try {
    const names = openNames()
    const world: World = { clock, chance, trace }
    const troubles = openTroubles(world, names)
    const parts: HouseParts = { ...world, calls: openCalls(world), names, visited, troubles, plan }
    const house = openHouse(parts)
    let isOver = false
    const script = live(house, plan, parts).then(broken => void violations.push(...broken))
    const ended = script.catch(onStray).finally(() => {
      isOver = true
    })
    await clock.run(() => isOver)
    await ended
  } finally {
    restore()
    process.off('unhandledRejection', onStray)
  }
  return { seed, plan, violations, faults: chance.taken, states: visited.states, simulatedMs: clock.nowMs() }
}

/** What happens from outside: people talk while things go wrong; then it is calm, and what failed is put back. */
async function live(house: House, plan: Plan, parts: HouseParts): Promise<Violations> {
  const { clock, chance, troubles } = parts
  for (const machine of house.machines) machine.start()
  const operator = openOperator(house, parts)
  for (const stuck of plan.stuck) troubles.stick(stuck)
  startWeather(house, operator, parts)
  await clock.wait(BOOT_MS)
  const asleep = house.machines.find(({ name }) => name === plan.asleep)
  asleep?.keepDown(true)
  const reaching = { ...parts, gateways: house.gateways }
  const clients = plan.talks.map(talk => startClient(talk, reaching))
  const leaving = plan.leaver && startLeaver(plan.leaver, house, reaching)
  const people: People = { clients, leaving }
  if (plan.weather === 'asleep') await clock.wait(ASLEEP_MS)
  else await untilOver(house, people, parts, STORM_MS)
  asleep?.keepDown(false)
  chance.calm()
  troubles.healAll()
  parts.trace(() => 'from now on nothing goes wrong')
  const late = await untilOver(house, people, parts, CALM_LIMIT_MS)
  const putBack = chance.share('put back') < 0.7
  if (putBack && !late) await operator.putAllBack()
  const broken = late ?? (await untilOver(house, people, parts, CALM_LIMIT_MS))
  return broken ? [`P1 it does not end: ${broken}`] : await check(house, people, plan, putBack)
}

type People = { clients: Client[]; leaving: Leaving | undefined }

/**
 * Waits until everybody has said everything, everything is finished, and the pages show it. Gives back what is not by
 * then; what a page does not show is no reason to wait longer than it takes to look by itself.
 */
async function untilOver(
  house: House,
  people: People,
  { clock, calls }: HouseParts,
  limitMs: number,
): Promise<string | undefined> {
  const untilMs = clock.nowMs() + limitMs
  let quietSinceMs = clock.nowMs()
  for (;;) {
    await clock.wait(500)
    const left = [...notUp(house, clock), ...away(calls), ...(await unfinishedIn(house, people))]
    if (left.length > 0) quietSinceMs = clock.nowMs()
    const quietMs = clock.nowMs() - quietSinceMs
    if (quietMs > PAGE_LOOKS_MS || (quietMs > QUIET_MS && (await areCurrent(house, people.clients))))
      return undefined
    if (clock.nowMs() > untilMs) return left.join('; ') || 'the pages are behind'
  }
}

/** One that stood still wakes up, and may do harm, before the promises are checked. */
const notUp = ({ machines }: House, clock: Clock): string[] =>
  machines
    .filter(({ life }) => !life || life.pausedUntilMs > clock.nowMs())
    .map(({ name }) => `${name} is not up`)

/** Nothing can be put back then. */
const away = ({ isAway }: Calls): string[] =>
  (['bus', 'store', 'receiver'] as const).filter(isAway).map(what => `the ${what} is away`)

async function unfinishedIn(house: House, { clients, leaving }: People): Promise<string[]> {
  const { timers } = house.store.driver
  const waiting = await Promise.all(['ann', 'bob'].map(person => timers.pending(person, 1)))
  return [
    ...clients.filter(client => !client.isDone()).map(({ talk }) => `${talk.conversation} has more to say`),
    ...(leaving && !leaving.isDone() ? [`${leaving.talk.person} is not yet forgotten`] : []),
    ...unfinished(house),
    ...waiting.flat().map(({ id }) => `the alarm ${id.slice(0, 8)} waits`),
  ]
}

/** Whether each page shows what is in the history. */
async function areCurrent({ store }: House, clients: Client[]): Promise<boolean> {
  for (const { talk, page } of clients)
    for (const { id, sequence } of await store.driver.history.list(talk.conversation, { limit: 1_000 }))
      if (page.get(id)?.sequence !== sequence) return false
  return true
}

async function check(
  house: House,
  { clients, leaving }: People,
  plan: Plan,
  putBack: boolean,
): Promise<Violations> {
  const findings = await findingsOf(house, clients, leaving)
  return [
    ...lost(findings),
    ...saidTwice(findings),
    ...(await alarms(findings)),
    ...disordered(findings),
    ...shownWrong(findings),
    ...heldUp(findings, plan),
    ...putBackInVain(findings, plan, putBack),
    ...strayIds(findings),
    ...(await unjournaled(findings)),
    ...held(findings),
    ...(await delivered(findings)),
    ...(await documentsKept(findings)),
    ...(await readable(findings, plan)),
    ...(await forgotten(findings)),
  ]
}
