import { appendFile, readFile } from 'node:fs/promises'
import type { FaultCase } from './strike.ts'

/** What one repetition of a cell counted. `met`: the moment came, and the component was struck in it. */
export type FaultResult = FaultCase & {
  met: boolean
  acknowledged: number
  replied: number
  failed: number
  lost: number
  repeated: number
  reordered: number
  /** The time from the moment at which everything ran again to the last reply. */
  drainMs: number
}

export type FaultResults = {
  all: FaultResult[]
  forCase(cell: FaultCase): FaultResult[]
  add(result: FaultResult): Promise<void>
}

/** The repetitions done so far, a line of JSON each, so that an interrupted run is gone on with. */
export async function openResults(file: string): Promise<FaultResults> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const all = text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as FaultResult)
  return {
    all,
    forCase: faultCase => all.filter(result => isResultOf(result, faultCase)),
    async add(result) {
      all.push(result)
      await appendFile(file, `${JSON.stringify(result)}\n`)
    },
  }
}

const isResultOf = (result: FaultResult, faultCase: FaultCase): boolean =>
  result.component === faultCase.component &&
  result.moment === faultCase.moment &&
  result.signal === faultCase.signal

const COLUMNS = ['acknowledged', 'replied', 'failed', 'lost', 'repeated', 'reordered'] as const

/** The table as Markdown: a row for each cell, summed over its repetitions. */
export function renderTable(results: FaultResults, cases: FaultCase[]): string {
  const head = ['component', 'moment', 'signal', 'runs', 'not met', ...COLUMNS, 'drained in s: p50', 'max']
  const rows = cases.flatMap(faultCase => {
    const runs = results.forCase(faultCase)
    const injected = runs.filter(({ met }) => met)
    if (runs.length === 0) return []
    const drains = injected.map(({ drainMs }) => drainMs).sort((a, b) => a - b)
    const sums = COLUMNS.map(column => injected.reduce((sum, run) => sum + run[column], 0))
    const seconds = (ms: number | undefined) => (ms === undefined ? '-' : (ms / 1000).toFixed(1))
    return [
      [
        faultCase.component,
        faultCase.moment,
        faultCase.signal,
        injected.length,
        runs.length - injected.length,
        ...sums,
        seconds(drains[Math.floor(drains.length / 2)]),
        seconds(drains.at(-1)),
      ],
    ]
  })
  return [head, head.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |`).join('\n')
}

/** The outcomes that promises P1 to P3 forbid. */
export const breaksPromise = ({ met, lost, repeated, reordered }: FaultResult): boolean =>
  met && lost + repeated + reordered > 0
