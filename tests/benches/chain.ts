import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startBroker } from '../../infra/kafka/broker.ts'
import { freePort } from '../../shared/base/free-port.ts'
import type { Bus } from '../../shared/bus/bus.ts'
import { openKafkaBus } from '../../shared/bus/kafka/kafka-bus.ts'
import { openSqliteBus } from '../../shared/bus/sqlite/sqlite-bus.ts'
import { startBareChain } from './chain/bare.ts'
import { type Chain, HOPS } from './chain/chain.ts'
import { startLaresChain } from './chain/lares.ts'
import { profileCpu } from './chain/profile.ts'
import { mapByKey, type Percentiles, percentiles, roundToThreeDigits } from './statistics.ts'

/**
 * `npm run bench:chain`: a turn of six produce-consume hops on a real Kafka, through the real connector and functions
 * that do nothing (`inline`, in this process; `http`, over HTTP), against the same hops by the client library alone
 * (`bare`), all in this process: one turn in flight, 200 turns a second, and as many as can be. Rounds alternate, so
 * that a slow moment of the machine meets all of them, and each begins with another, so that none always comes after the
 * same one. `embedded` is the same on the embedded log.
 */
const { values } = parseArgs({
  options: {
    client: { type: 'string', default: 'platformatic' },
    rounds: { type: 'string', default: '5' },
    turns: { type: 'string', default: '200' },
    rate: { type: 'string', default: '200' },
  },
})
const client = values.client as 'platformatic' | 'kafkajs'
const ROUNDS = Number(values.rounds)
const TURNS = Number(values.turns)
const RATE = Number(values.rate)
const RATE_MS = 3_000
const WARM_UP_TURNS = 200
const IN_FLIGHT = 100
const SATURATION_MS = 4_000

const NAMES = ['bare', 'inline', 'http', 'embedded'] as const
type Name = (typeof NAMES)[number]

async function measureSequential({ turn }: Chain, turns: number): Promise<number[]> {
  const durations: number[] = []
  for (let n = 0; n < turns; n++) {
    const startedAt = performance.now()
    await turn()
    durations.push(performance.now() - startedAt)
  }
  return durations
}

/** Starts turns at their times, whether earlier ones have ended or not; a turn's time counts from when it was due. */
async function measureAtRate({ turn }: Chain, perSecond: number, forMs: number): Promise<number[]> {
  const durations: Promise<number>[] = []
  const startedAt = performance.now()
  const one = async (dueAt: number) => {
    await turn()
    return performance.now() - dueAt
  }
  for (let n = 0; n < (perSecond * forMs) / 1_000; ) {
    const dueAt = startedAt + (n * 1_000) / perSecond
    if (performance.now() < dueAt) await wait(1)
    else {
      durations.push(one(dueAt))
      n++
    }
  }
  return await Promise.all(durations)
}

/** Turns a second with `IN_FLIGHT` of them at any time. */
async function measureThroughput({ turn }: Chain, forMs: number): Promise<number> {
  const startedAt = performance.now()
  let ended = 0
  const one = async () => {
    for (; performance.now() < startedAt + forMs; ended++) await turn()
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, one))
  return ended / ((performance.now() - startedAt) / 1_000)
}

const emptyResults = (): Record<Name, number[]> => ({ bare: [], inline: [], http: [], embedded: [] })
const results = { alone: emptyResults(), atRate: emptyResults(), turnsPerSecond: emptyResults() }
const cpuShares: Partial<Record<Name, Record<string, number>>> = {}
const closers: (() => Promise<unknown>)[] = []
const dir = await mkdtemp(join(tmpdir(), 'lares-chain-'))
try {
  const broker = await startBroker({ dir, port: await freePort() })
  closers.push(broker.stop)
  const opened = (bus: Bus): Bus => {
    closers.push(() => bus.close())
    return bus
  }
  const kafka = () => openKafkaBus({ brokers: [broker.brokers], client }).then(opened)
  const chains: Record<Name, Chain> = {
    bare: await startBareChain(await kafka(), [broker.brokers], client),
    inline: await startLaresChain(await kafka(), 'inline'),
    http: await startLaresChain(await kafka(), 'http'),
    embedded: await startLaresChain(opened(openSqliteBus({ file: join(dir, 'bus.db') })), 'inline'),
  }
  for (const name of NAMES) closers.push(chains[name].close)
  for (const name of NAMES) {
    await measureSequential(chains[name], WARM_UP_TURNS)
    await measureThroughput(chains[name], SATURATION_MS / 2)
  }
  for (let round = 0; round < ROUNDS; round++)
    for (const name of [...NAMES.slice(round % NAMES.length), ...NAMES.slice(0, round % NAMES.length)]) {
      const one = await measureSequential(chains[name], TURNS)
      const many = await measureAtRate(chains[name], RATE, RATE_MS)
      const most = await measureThroughput(chains[name], SATURATION_MS)
      results.alone[name].push(...one)
      results.atRate[name].push(...many)
      results.turnsPerSecond[name].push(most)
      console.log(
        `round ${round + 1} ${name.padEnd(8)} alone ${formatPercentiles(percentiles(one))}; ${RATE}/s ${formatPercentiles(percentiles(many))}; ${Math.round(most)} turns/s`,
      )
    }
  for (const name of NAMES)
    cpuShares[name] = await profileCpu(
      async () => void (await measureThroughput(chains[name], SATURATION_MS)),
    )
} finally {
  for (const stop of closers.reverse()) await stop()
  await rm(dir, { recursive: true, force: true })
}

function formatPercentiles({ p50, p95, p99 }: Percentiles): string {
  return `p50 ${p50.toFixed(1)} p95 ${p95.toFixed(1)} p99 ${p99.toFixed(1)} ms`
}

const summaryOf = (name: Name) => {
  const average = results.turnsPerSecond[name].reduce((sum, value) => sum + value, 0) / ROUNDS
  return {
    aloneMs: mapByKey([percentiles(results.alone[name])], ([value]) => value!),
    atRateMs: mapByKey([percentiles(results.atRate[name])], ([value]) => value!),
    turnsPerSecond: roundToThreeDigits(average),
  }
}
const compareToBare = (name: Name) => {
  const ratio = ([ours, theirs]: number[]) => ours! / theirs!
  return {
    alone: mapByKey([summaryOf(name).aloneMs, summaryOf('bare').aloneMs], ratio),
    atRate: mapByKey([summaryOf(name).atRateMs, summaryOf('bare').atRateMs], ratio),
    turnsPerSecond: roundToThreeDigits(summaryOf(name).turnsPerSecond / summaryOf('bare').turnsPerSecond),
  }
}
for (const name of NAMES) console.log(`busy time of ${name}: ${JSON.stringify(cpuShares[name])}`)
console.log(
  JSON.stringify({
    bench: 'chain',
    client,
    ours: summaryOf('inline'),
    http: summaryOf('http'),
    baseline: summaryOf('bare'),
    ratio: compareToBare('inline'),
    httpRatio: compareToBare('http'),
    embedded: {
      ...summaryOf('embedded'),
      p50PerHopMs: roundToThreeDigits(summaryOf('embedded').aloneMs.p50 / HOPS),
    },
    units: {
      aloneMs: `ms a turn of ${HOPS} hops, one in flight`,
      atRateMs: `ms a turn, ${RATE} turns a second`,
      turnsPerSecond: `turns a second, ${IN_FLIGHT} in flight`,
      ratio: 'ours / baseline',
    },
  }),
)
process.exit(0)
