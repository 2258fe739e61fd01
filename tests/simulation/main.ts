import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { FAULTS, type FaultName, isFaultName } from './faults.ts'
import { installMutation, mutationNamed } from './mutate.ts'
import { MUTATIONS } from './mutations.ts'
import { runInParallel } from './parallel-runs.ts'

/**
 * npm run simulate -- --seeds N [--seed S] [--fault NAME ...] [--threads N] [--mutation NAME] [--trace]
 *
 * Without `--seeds` it runs the one seed. The last line is one JSON object. It ends with 1 when a promise was broken,
 * with `--mutation` when none was.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1' },
    seed: { type: 'string' },
    fault: { type: 'string', multiple: true },
    threads: { type: 'string', default: String(availableParallelism()) },
    mutation: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
})
const count = parseWholeNumber('seeds', values.seeds)
const firstSeed =
  values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : parseWholeNumber('seed', values.seed)
const kinds = values.fault?.map(parseFaultName)
const faultOptions = kinds ? { kinds } : {}
/** The number of failures that are shrunk; the others are only counted. */
const MAX_SHRUNK = 3
/** The number of failures after which the run stops. */
const MAX_FAILURES = 100

process.exitCode = await main()

async function main(): Promise<number> {
  if (values.mutation !== undefined) return await findMutation(values.mutation)
  if (values.trace) return await printTrace()
  return await simulate()
}

async function simulate(): Promise<number> {
  const startedAtMs = performance.now()
  const failed: number[] = []
  let faults = 0
  let simulatedMs = 0
  let runs = 0
  let isStopped = false
  // An interrupted run prints what it has found so far.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      isStopped = true
    })
  console.log(`seeds ${firstSeed} to ${firstSeed + count - 1}`)
  const states = await runInParallel({
    from: firstSeed,
    count,
    threads: parseWholeNumber('threads', values.threads),
    ...faultOptions,
    onRun(result) {
      runs++
      faults += result.faults.length
      simulatedMs += result.simulatedMs
      if (result.violations.length > 0) {
        failed.push(result.seed)
        console.log(`seed ${result.seed}: ${result.violations[0]}`)
      } else if (runs % 500 === 0) console.log(`${runs} seeds, ${failed.length} failures`)
      return failed.length < MAX_FAILURES && !isStopped
    },
  })
  for (const seed of failed.toSorted((a, b) => a - b).slice(0, MAX_SHRUNK)) await printShrunkFailure(seed)
  const seconds = Math.round((performance.now() - startedAtMs) / 1_000)
  const simulatedHours = Math.round(simulatedMs / 36_000) / 100
  console.log(
    JSON.stringify({
      from: firstSeed,
      seeds: runs,
      failures: failed.length,
      failed,
      states,
      faults,
      simulatedHours,
      seconds,
    }),
  )
  return failed.length === 0 ? 0 : 1
}

/** Shrinks and prints a failure. The simulator is loaded only here, so that a mutation can be put in before. */
async function printShrunkFailure(
  seed: number,
  faultKinds: readonly FaultName[] | undefined = kinds,
): Promise<void> {
  const { runSimulation } = await import('./run.ts')
  const { shrink } = await import('./shrink.ts')
  const { formatFailure } = await import('./report.ts')
  const failure = await runSimulation({ seed, ...(faultKinds && { kinds: faultKinds }) })
  console.log(formatFailure(failure, await shrink(failure, faultKinds)))
}

async function printTrace(): Promise<number> {
  const { runSimulation } = await import('./run.ts')
  const lines: string[] = []
  const { violations } = await runSimulation({ seed: firstSeed, lines, ...faultOptions })
  console.log([...lines, ...violations].join('\n'))
  return violations.length === 0 ? 0 : 1
}

/** The number of seeds until the mutation is found; only its own promise counts. */
async function findMutation(name: string): Promise<number> {
  const mutation = mutationNamed(MUTATIONS, name)
  const { promise, faults } = mutation
  installMutation(mutation)
  const runOptions: { kinds?: readonly FaultName[] } = faults
    ? { kinds: faults, ...faultOptions }
    : faultOptions
  const { runSimulation } = await import('./run.ts')
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const { violations } = await runSimulation({ seed, ...runOptions })
    const found = violations.find(violation => violation.startsWith(promise))
    if (!found) continue
    console.log(JSON.stringify({ mutation: name, promise, seeds: seed - firstSeed + 1, seed, found }))
    if (values.trace) await printShrunkFailure(seed, runOptions.kinds)
    return 0
  }
  console.log(JSON.stringify({ mutation: name, promise, seeds: null }))
  return 1
}

function parseWholeNumber(option: string, text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0)
    throw new Error(`--${option} takes a whole number, not "${text}"`)
  return number
}

function parseFaultName(name: string): FaultName {
  if (!isFaultName(name)) throw new Error(`there is no fault "${name}": ${Object.keys(FAULTS).join(', ')}`)
  return name
}
