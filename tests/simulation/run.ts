import { held, strayIds, unfinished, unjournaled } from './bookkeeping.ts'
import { openCalls, type World } from './calls.ts'
import { hash32, openChance, ratesFor } from './chance.ts'
import { type Client, startClient } from './client.ts'
import { openClock } from './clock.ts'
import type { FaultName } from './faults.ts'
import { findingsOf } from './findings.ts'
import { installGlobals } from './globals.ts'
import { type House, type HouseParts, openHouse } from './house.ts'
import { type Plan, planOf, planWith } from './plan.ts'
import {
  alarms,
  disordered,
  heldUp,
  lost,
  putBackInVain,
  saidTwice,
  shownWrong,
  type Violations,
} from './promises.ts'
import { openNames, openTrace } from './trace.ts'
import { openTroubles } from './trouble.ts'
import { openVisited } from './visited.ts'
import { openOperator, startWeather } from './weather.ts'

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
  const clients = plan.talks.map(talk => startClient(talk, { ...parts, gateways: house.gateways }))
  await clock.wait(plan.weather === 'asleep' ? ASLEEP_MS : STORM_MS)
  asleep?.keepDown(false)
  chance.calm()
  troubles.healAll()
  parts.trace(() => 'from now on nothing goes wrong')
  const late = await untilOver(house, clients, parts)
  if (late) return late
  const putBack = chance.share('put back') < 0.7
  if (putBack) await operator.putAllBack()
  return (await untilOver(house, clients, parts)) ?? (await check(house, clients, plan, putBack))
}

/** Waits until everybody has said everything and everything is finished; what is not in time. */
async function untilOver(
  house: House,
  clients: Client[],
  { clock }: HouseParts,
): Promise<Violations | undefined> {
  const limitMs = clock.nowMs() + CALM_LIMIT_MS
  const pending = async () => {
    const timers = await Promise.all(
      ['ann', 'bob'].map(person => house.store.driver.timers.pending(person, 1)),
    )
    return [...unfinished(house), ...timers.flat().map(({ id }) => `the alarm ${id.slice(0, 8)} waits`)]
  }
  for (let quiet = 0; quiet < 3; ) {
    await clock.wait(1_000)
    const isQuiet = clients.every(client => client.isDone()) && (await pending()).length === 0
    quiet = isQuiet ? quiet + 1 : 0
    if (clock.nowMs() > limitMs) return [`P1 it does not end: ${(await pending()).join('; ')}`]
  }
  // A page looks at the store by itself at least this often.
  await clock.wait(16_000)
  return undefined
}

async function check(house: House, clients: Client[], plan: Plan, putBack: boolean): Promise<Violations> {
  const findings = await findingsOf(house, clients)
  return [
    ...lost(findings),
    ...saidTwice(findings),
    ...alarms(findings),
    ...disordered(findings),
    ...shownWrong(findings),
    ...heldUp(findings, plan),
    ...putBackInVain(findings, plan, putBack),
    ...strayIds(findings),
    ...(await unjournaled(findings)),
    ...held(findings),
  ]
}
