import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { generateMessages, inject } from '../infra/cli/inject/injection.ts'
import { type Broker, startBroker } from '../infra/kafka/broker.ts'
import { freePort } from '../shared/base/free-port.ts'
import { readStack } from '../shared/contract/stack.ts'
import { FAULT_POINTS } from './faults/moments.ts'
import { type ProcessCluster, startProcessCluster } from './faults/process-cluster.ts'
import { type FaultCase, type FaultEnvironment, injectFaults, SIGNALS } from './faults/strike.ts'
import { breaksPromise, type FaultResult, openResults, renderTable } from './faults/table.ts'
import { openFaultScheduler } from './faults/turns.ts'
import { TOKEN } from './support/instance.ts'
import { startModelServer } from './support/model-server.ts'
import { startPostgres } from './support/stores/postgres.ts'

/**
 * `npm run test:faults`: the table of faults. For each component, moment and signal, some conversations are in flight on a
 * Kafka deployment with two gateways and two connectors. The signal meets the component exactly at the moment (see
 * faults/loader-hook.ts). Then every acknowledged message must have one reply or visible failure, in order. `--parallel N`
 * strikes N components at the same time, each with its own conversations; all conversations feel all strikes. The run
 * appends its results to a file, and continues where the last run ended. It exits with 1 when a promise was broken.
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
    parallel: { type: 'string', default: '1' },
    results: { type: 'string', default: join(tmpdir(), 'lares-faults.jsonl') },
  },
})

const functions = (await readStack('stack.yml')).map(({ name }) => name)
const components = ['gateway', 'gateway-2', 'connector', ...functions, 'broker', 'store']
const selectKnown = (requested: string[] | undefined, known: readonly string[], what: string) => {
  const unknown = requested?.find(one => !known.includes(one))
  if (unknown !== undefined)
    throw new Error(`there is no ${what} "${unknown}"; known are ${known.join(', ')}`)
  return known.filter(one => requested?.includes(one) ?? true)
}
const allCases = selectKnown(values.component, components, 'component').flatMap(component =>
  selectKnown(values.moment, FAULT_POINTS, 'moment').flatMap(moment =>
    selectKnown(values.signal, SIGNALS, 'signal')
      // A PostgreSQL server is many processes, and none of them is the store.
      .filter(signal => component !== 'store' || signal !== 'SIGSTOP')
      .map(signal => ({ component, moment, signal }) as FaultCase),
  ),
)

/** Messages that give the component work. */
const MESSAGE_OF_COMPONENT: Record<string, string> = {
  time: 'what time is it in Tokyo?',
  calculator: 'what is {message} + {conversation}?',
  notes: 'take a note: thing {message} of {conversation}',
  learning: 'we had visitor {message} of {conversation} in our house today',
  // Soon, for a person can have 200 reminders waiting and no more.
  reminder: 'remind me in 8 seconds to stretch',
}
const RATE_PER_SECOND = 15
/** Longer than a stopped process stays stopped, and longer than the wait for an unreachable function. */
const TIMEOUT_MS = 180_000

/** Those of `volley` are struck together, each with conversations of its own. */
async function runRepetition(batch: FaultCase[], environment: FaultEnvironment): Promise<FaultResult[]> {
  const injections = batch.map(faultCase => injectMessages(faultCase, environment))
  // Spreads the moments of the repetitions, so that they do not all fall on the first message.
  await wait(Math.random() * 1_000)
  const [recoveredAt, reports] = await Promise.all([
    injectFaults(batch, environment),
    Promise.all(injections),
  ])
  return reports.map(({ report, answeredAt }, at) => ({
    ...batch[at]!,
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

async function injectMessages(faultCase: FaultCase, environment: FaultEnvironment) {
  let answeredAt = performance.now()
  let answered = 0
  const report = await inject({
    url: environment.cluster.urls[faultCase.component === 'gateway-2' ? 1 : 0]!,
    token: TOKEN,
    messages: generateMessages({
      conversations: Number(values.conversations),
      messages: Number(values.messages),
      text: MESSAGE_OF_COMPONENT[faultCase.component] ?? 'message {message} of {conversation}',
    }),
    ratePerSecond: RATE_PER_SECOND,
    timeoutMs: TIMEOUT_MS,
    onProgress(progress) {
      if (progress.answered > answered) answeredAt = performance.now()
      answered = progress.answered
    },
  })
  const violations = [...report.missing, ...report.duplicates, ...report.outOfOrder]
  for (const conversation of new Set(violations.map(place => place.conversation)))
    process.stderr.write(`${await traceOf(conversation, environment)}\n`)
  return { report, answeredAt }
}

/** The trace of a conversation with a broken promise, read before the deployment and its files are removed. */
async function traceOf(conversation: string, { cluster, broker }: FaultEnvironment): Promise<string> {
  const where = {
    LARES_HOME: cluster.home,
    LARES_BUS: 'kafka',
    KAFKA_BROKERS: broker.current().brokers,
    ...(cluster.databaseUrl && { DATABASE_URL: cluster.databaseUrl }),
  }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['infra/cli/lares.mjs', 'trace', conversation, '--json'],
    { env: { ...process.env, ...where } },
  ).catch(error => ({ stdout: String(error) }))
  return `journey of ${conversation}: ${stdout}`
}

async function openRestartableBroker() {
  const dir = await mkdtemp(join(tmpdir(), 'lares-kafka-'))
  const port = await freePort()
  let broker: Broker
  const start = async () => {
    broker = await startBroker({ dir, port, onProgress: () => undefined })
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
const broker = await openRestartableBroker()

/** The cells of the store need a store that is a process; all others have the one of LARES_HOME. */
async function runCases(cases: FaultCase[], withPostgres: boolean, concurrency: number): Promise<void> {
  const scheduler = openFaultScheduler(cases, results, Number(values.repetitions))
  if (scheduler.isDone()) return
  const postgres = withPostgres ? await startPostgres() : undefined
  const databaseUrl = await postgres?.database()
  const cluster: ProcessCluster = await startProcessCluster({
    brokers: broker.current().brokers,
    modelUrl: model.url,
    databaseUrl,
    connectors: 2,
  })
  const environment = { cluster, broker, postgres, stopMs: Number(values['stop-seconds']) * 1_000 }
  const runBatches = async () => {
    for (let batch = await scheduler.next(); batch.length > 0; batch = await scheduler.next()) {
      await runBatch(batch, environment)
      scheduler.end(batch)
    }
  }
  try {
    await Promise.all(Array.from({ length: concurrency }, runBatches))
  } finally {
    await cluster.stop()
    await postgres?.close()
  }
}

async function runBatch(batch: FaultCase[], environment: FaultEnvironment): Promise<void> {
  const faultResults = await runRepetition(batch, environment)
  for (const result of faultResults) {
    await results.add(result)
    const { component, moment, signal, ...counts } = result
    process.stderr.write(`${component}, ${moment}, ${signal}: ${JSON.stringify(counts)}\n`)
  }
  if (faultResults.some(breaksPromise))
    process.stderr.write(`${environment.cluster.output().slice(-20_000)}\n`)
}

/** Nothing moves without these, so a component struck beside them would only wait. */
const affectsAllCases = ({ component, moment }: FaultCase) =>
  ['gateway', 'connector', 'broker'].includes(component) || moment === 'during a rebalance'
try {
  const of = (component: string) => allCases.filter(cell => cell.component === component)
  const onFiles = allCases.filter(({ component }) => component !== 'store')
  await runCases(
    onFiles.filter(cell => !affectsAllCases(cell)),
    false,
    Number(values.parallel),
  )
  await runCases(onFiles.filter(affectsAllCases), false, 1)
  await runCases(of('store'), true, 1)
} finally {
  await broker.close()
  await model.close()
}
process.stdout.write(`${renderTable(results, allCases)}\n`)
process.exit(allCases.flatMap(results.forCase).some(breaksPromise) ? 1 : 0)
