import { startLares } from './peers/lares.ts'
import { type Peer, RESTATE_VERSIONS, startRestate } from './peers/restate.ts'
import { mapByKey, median, percentiles, roundToThreeDigits } from './statistics.ts'

/**
 * `npm run bench:durable`: a turn of six durable steps, each a hash of the one before, one turn in flight (p50, p99 in ms
 * for the whole turn) and 50 in flight (turns a second), against a single-node Restate server with its defaults. Both
 * have their functions in one other process, over HTTP; `inline` is Lares with its functions in its own process, as in
 * `npm start`. Rounds alternate, so that a slow moment of the machine meets all of them.
 */
const STEPS = 6
const ROUNDS = 5
const WARM_UP_TURNS = 100
const SEQUENTIAL_TURNS = 150
const CONCURRENT = { turns: 1_500, inFlight: 50 }

type Figures = { p50Ms: number; p99Ms: number; turnsPerSecond: number }

async function measureSequential(peer: Peer, turns: number): Promise<number[]> {
  const durations: number[] = []
  for (let turn = 0; turn < turns; turn++) {
    const startedAt = performance.now()
    await peer.turn(`turn ${turn}`)
    durations.push(performance.now() - startedAt)
  }
  return durations
}

async function measureConcurrent(peer: Peer, { turns, inFlight }: typeof CONCURRENT): Promise<number> {
  const startedAt = performance.now()
  let started = 0
  const one = async () => {
    while (started++ < turns) await peer.turn(`turn ${started}`)
  }
  await Promise.all(Array.from({ length: inFlight }, one))
  return turns / ((performance.now() - startedAt) / 1_000)
}

async function measure(peer: Peer): Promise<Figures> {
  const { p50, p99 } = percentiles(await measureSequential(peer, SEQUENTIAL_TURNS))
  return { p50Ms: p50, p99Ms: p99, turnsPerSecond: await measureConcurrent(peer, CONCURRENT) }
}

const peers = {
  http: await startLares(STEPS, 'http'),
  inline: await startLares(STEPS, 'inline'),
  restate: await startRestate(STEPS),
}
type Name = keyof typeof peers
const names = Object.keys(peers) as Name[]
const results: Record<Name, Figures[]> = { http: [], inline: [], restate: [] }
try {
  const answers = await Promise.all(names.map(name => peers[name].turn('the same')))
  if (new Set(answers).size !== 1) throw new Error('they do not do the same work')
  for (const name of names) await measureConcurrent(peers[name], { turns: WARM_UP_TURNS, inFlight: 10 })
  for (let round = 0; round < ROUNDS; round++)
    for (const name of names) {
      const figures = await measure(peers[name])
      results[name].push(figures)
      const { p50Ms, p99Ms, turnsPerSecond } = figures
      console.log(
        `round ${round + 1} ${name.padEnd(7)} p50 ${p50Ms.toFixed(2)} ms p99 ${p99Ms.toFixed(2)} ms ${Math.round(turnsPerSecond)} turns/s`,
      )
    }
} finally {
  for (const name of names) await peers[name].close()
}

const medianOf = (name: Name) => mapByKey(results[name], median)
const compareToRestate = (name: Name) =>
  mapByKey([medianOf(name), medianOf('restate')], ([ours, theirs]) => ours! / theirs!)
console.log(
  JSON.stringify({
    bench: 'durable',
    ours: medianOf('http'),
    inline: medianOf('inline'),
    baseline: medianOf('restate'),
    ratio: compareToRestate('http'),
    inlineRatio: compareToRestate('inline'),
    perStepMs: {
      ours: roundToThreeDigits(medianOf('http').p50Ms / STEPS),
      inline: roundToThreeDigits(medianOf('inline').p50Ms / STEPS),
      baseline: roundToThreeDigits(medianOf('restate').p50Ms / STEPS),
    },
    units: {
      p50Ms: 'ms a turn, one in flight',
      p99Ms: 'ms a turn, one in flight',
      turnsPerSecond: `1/s, ${CONCURRENT.inFlight} in flight`,
      ratio: 'ours / baseline',
    },
    versions: { restate: RESTATE_VERSIONS, node: process.version },
    settings: { steps: STEPS, rounds: ROUNDS },
  }),
)
