import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { inject, simulated } from '../infra/cli/inject/injection.ts'
import { type Broker, startBroker } from '../infra/kafka/broker.ts'
import { readStack } from '../shared/contract/stack.ts'
import { type Fleet, startFleet } from './faults/fleet.ts'
import { MOMENTS } from './faults/moments.ts'
import { type Cell, type Ground, SIGNALS, strike } from './faults/strike.ts'
import { isBroken, openResults, type Result, tableOf } from './faults/table.ts'
import { openTurns } from './faults/turns.ts'
import { freePort, TOKEN } from './support/instance.ts'
import { startModelServer } from './support/model-server.ts'
import { startPostgres } from './support/stores/postgres.ts'

/**
 * `npm run test:faults`: the table of faults. For each component, moment and signal, some conversations are under way on a
 * Kafka deployment with two gateways and two connectors when the signal meets the component exactly at the moment (see
 * faults/hook.ts); then every acknowledged message must have one reply or visible failure, in order. `--lanes N`: so many
 * components are struck at the same time, each with conversations of its own; all conversations feel all of it. Results
 * are appended to a file, and a run goes on where the last one ended. Exits with 1 when a promise was broken.
 */
const { values } = parseArgs({
  options: {
    repetitions: { type: 'string', default: '20' },
    component: { type: 'string', multiple: true },
    moment: { type: 'string', multiple: true },
    signal: { type: 'string', multiple: true },
    'stop-seconds': { type: 'string', default: '30' },
    conversations: { type: 'string', default: '10' },
    messages: { type: 'string', default: '3' },
    lanes: { type: 'string', default: '1' },
    results: { type: 'string', default: join(tmpdir(), 'lares-faults.jsonl') },
  },
})

const functions = (await readStack('stack.yml')).map(({ name }) => name)
const components = ['gateway', 'gateway-2', 'connector', ...functions, 'broker', 'store']
const chosen = (asked: string[] | undefined, known: readonly string[], what: string) => {
  const unknown = asked?.find(one => !known.includes(one))
  if (unknown !== undefined)
    throw new Error(`there is no ${what} "${unknown}"; known are ${known.join(', ')}`)
  return known.filter(one => asked?.includes(one) ?? true)
}
const cells = chosen(values.component, components, 'component').flatMap(component =>
  chosen(values.moment, MOMENTS, 'moment').flatMap(moment =>
    chosen(values.signal, SIGNALS, 'signal')
      // A PostgreSQL server is many processes, none of which is the store.
      .filter(signal => component !== 'store' || signal !== 'SIGSTOP')
      .map(signal => ({ component, moment, signal }) as Cell),
  ),
)

/** What people say so that the component has something to do. */
const SAID: Record<string, string> = {
  time: 'what time is it in Tokyo?',
  calculator: 'what is {message} + {conversation}?',
  notes: 'take a note: thing {message} of {conversation}',
  learning: 'we had visitor {message} of {conversation} in our house today',
  // Soon, for a person can have 200 reminders waiting and no more.
  reminder: 'remind me in 8 seconds to stretch',
}
const RATE_PER_SECOND = 15
/** Longer than a stopped process stays so, and than a function that is away is waited for. */
const TIMEOUT_MS = 180_000

/** Those of `volley` are struck together, each with conversations of its own. */
async function repeat(volley: Cell[], ground: Ground): Promise<Result[]> {
  const talks = volley.map(cell => talk(cell, ground))
  // So that the moments of all repetitions do not fall on the first message.
  await wait(Math.random() * 1_000)
  const [recoveredAt, reports] = await Promise.all([strike(volley, ground), Promise.all(talks)])
  return reports.map(({ report, answeredAt }, at) => ({
    ...volley[at]!,
    met: recoveredAt !== undefined,
    acknowledged: report.acknowledged,
    replied: report.replied + report.merged,
    failed: report.failed + report.interrupted,
    lost: report.missing.length,
    repeated: report.duplicates.length,
    reordered: report.outOfOrder.length,
    drainMs: Math.max(0, Math.round(answeredAt - (recoveredAt ?? answeredAt))),
  }))
}

async function talk(cell: Cell, ground: Ground) {
  let answeredAt = performance.now()
  let answered = 0
  const report = await inject({
    url: ground.fleet.urls[cell.component === 'gateway-2' ? 1 : 0]!,
    token: TOKEN,
    messages: simulated({
      conversations: Number(values.conversations),
      messages: Number(values.messages),
      text: SAID[cell.component] ?? 'message {message} of {conversation}',
    }),
    ratePerSecond: RATE_PER_SECOND,
    timeoutMs: TIMEOUT_MS,
    onProgress(progress) {
      if (progress.answered > answered) answeredAt = performance.now()
      answered = progress.answered
    },
  })
  const wrong = [...report.missing, ...report.duplicates, ...report.outOfOrder]
  for (const conversation of new Set(wrong.map(place => place.conversation)))
    process.stderr.write(`${await journeyOf(conversation, ground)}\n`)
  return { report, answeredAt }
}

/** What the log tells of a conversation in which a promise was broken, before the fleet and its files are gone. */
async function journeyOf(conversation: string, { fleet, broker }: Ground): Promise<string> {
  const where = {
    LARES_HOME: fleet.home,
    LARES_BUS: 'kafka',
    KAFKA_BROKERS: broker.current().brokers,
    ...(fleet.databaseUrl && { DATABASE_URL: fleet.databaseUrl }),
  }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['infra/cli/lares.mjs', 'trace', conversation, '--json'],
    { env: { ...process.env, ...where } },
  ).catch(error => ({ stdout: String(error) }))
  return `journey of ${conversation}: ${stdout}`
}

async function openBroker() {
  const dir = await mkdtemp(join(tmpdir(), 'lares-kafka-'))
  const port = await freePort()
  let broker: Broker
  const start = async () => {
    broker = await startBroker({ dir, port, progress: () => undefined })
  }
  await start()
  process.once('exit', () => void broker.kill())
  return {
    current: () => broker,
    start,
    async close() {
      await broker.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const results = await openResults(resolve(values.results))
const model = await startModelServer({ delayMs: 50, tokenDelayMs: 2 })
const broker = await openBroker()

/** The cells of the store need a store that is a process; all others have the one of LARES_HOME. */
async function onGround(cells: Cell[], withPostgres: boolean, lanes: number): Promise<void> {
  const turns = openTurns(cells, results, Number(values.repetitions))
  if (turns.isDone()) return
  const postgres = withPostgres ? await startPostgres() : undefined
  const databaseUrl = await postgres?.database()
  const fleet: Fleet = await startFleet({
    brokers: broker.current().brokers,
    modelUrl: model.url,
    databaseUrl,
    connectors: 2,
  })
  const ground = { fleet, broker, postgres, stopMs: Number(values['stop-seconds']) * 1_000 }
  const lane = async () => {
    for (let volley = await turns.next(); volley.length > 0; volley = await turns.next()) {
      await runOnce(volley, ground)
      turns.end(volley)
    }
  }
  try {
    await Promise.all(Array.from({ length: lanes }, lane))
  } finally {
    await fleet.stop()
    await postgres?.close()
  }
}

async function runOnce(volley: Cell[], ground: Ground): Promise<void> {
  const done = await repeat(volley, ground)
  for (const result of done) {
    await results.add(result)
    const { component, moment, signal, ...counts } = result
    process.stderr.write(`${component}, ${moment}, ${signal}: ${JSON.stringify(counts)}\n`)
  }
  if (done.some(isBroken)) process.stderr.write(`${ground.fleet.output().slice(-20_000)}\n`)
}

/** Without these nothing moves, so that who is struck beside them would only wait. */
const isGround = ({ component, moment }: Cell) =>
  ['gateway', 'connector', 'broker'].includes(component) || moment === 'during a rebalance'
try {
  const of = (component: string) => cells.filter(cell => cell.component === component)
  const onFiles = cells.filter(({ component }) => component !== 'store')
  await onGround(
    onFiles.filter(cell => !isGround(cell)),
    false,
    Number(values.lanes),
  )
  await onGround(onFiles.filter(isGround), false, 1)
  await onGround(of('store'), true, 1)
} finally {
  await broker.close()
  await model.close()
}
process.stdout.write(`${tableOf(results, cells)}\n`)
process.exit(cells.flatMap(results.of).some(isBroken) ? 1 : 0)
