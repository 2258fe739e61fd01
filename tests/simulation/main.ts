import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { FAULTS, type FaultName, isFault } from './faults.ts'
import { mutate } from './mutate.ts'
import { runMany } from './parallel-runs.ts'

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
const count = whole('seeds', values.seeds)
const from = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : whole('seed', values.seed)
const kinds = values.fault?.map(faultNamed)
const only = kinds ? { kinds } : {}
/** So many failures are shrunk; the others are only counted. */
const MOST_SHRUNK = 3
/** After so many it is clear enough that something is wrong. */
const MOST_FAILURES = 100

process.exitCode = await main()

async function main(): Promise<number> {
  if (values.mutation !== undefined) return await seekMutation(values.mutation)
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
  // A long run that is stopped tells what it has found so far.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      isStopped = true
    })
  console.log(`seeds ${from} to ${from + count - 1}`)
  const states = await runMany({
    from,
    count,
    threads: whole('threads', values.threads),
    ...only,
    onRun(result) {
      runs++
      faults += result.faults.length
      simulatedMs += result.simulatedMs
      if (result.violations.length > 0) {
        failed.push(result.seed)
        console.log(`seed ${result.seed}: ${result.violations[0]}`)
      } else if (runs % 500 === 0) console.log(`${runs} seeds, ${failed.length} failures`)
      return failed.length < MOST_FAILURES && !isStopped
    },
  })
  for (const seed of failed.toSorted((a, b) => a - b).slice(0, MOST_SHRUNK)) await explain(seed)
  const seconds = Math.round((performance.now() - startedAtMs) / 1_000)
  const simulatedHours = Math.round(simulatedMs / 36_000) / 100
  console.log(
    JSON.stringify({
      from,
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
async function explain(seed: number, given: readonly FaultName[] | undefined = kinds): Promise<void> {
  const { run } = await import('./run.ts')
  const { shrink } = await import('./shrink.ts')
  const { failureReport } = await import('./report.ts')
  const failure = await run({ seed, ...(given && { kinds: given }) })
  console.log(failureReport(failure, await shrink(failure, given)))
}

async function printTrace(): Promise<number> {
  const { run } = await import('./run.ts')
  const lines: string[] = []
  const { violations } = await run({ seed: from, lines, ...only })
  console.log([...lines, ...violations].join('\n'))
  return violations.length === 0 ? 0 : 1
}

/** How many seeds it takes until the fault that was put in is found; only its own promise counts. */
async function seekMutation(name: string): Promise<number> {
  const { promise, faults } = mutate(name)
  const chosen: { kinds?: readonly FaultName[] } = faults ? { kinds: faults, ...only } : only
  const { run } = await import('./run.ts')
  for (let seed = from; seed < from + count; seed++) {
    const { violations } = await run({ seed, ...chosen })
    const found = violations.find(violation => violation.startsWith(promise))
    if (!found) continue
    console.log(JSON.stringify({ mutation: name, promise, seeds: seed - from + 1, seed, found }))
    if (values.trace) await explain(seed, chosen.kinds)
    return 0
  }
  console.log(JSON.stringify({ mutation: name, promise, seeds: null }))
  return 1
}

function whole(option: string, text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0)
    throw new Error(`--${option} takes a whole number, not "${text}"`)
  return number
}

function faultNamed(name: string): FaultName {
  if (!isFault(name)) throw new Error(`there is no fault "${name}": ${Object.keys(FAULTS).join(', ')}`)
  return name
}
