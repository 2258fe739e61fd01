import { appendFile, readFile } from 'node:fs/promises'
import type { Cell } from './strike.ts'

/** What one repetition of a cell counted. `met`: the moment came, and the component was struck in it. */
export type Result = Cell & {
  met: boolean
  acknowledged: number
  replied: number
  failed: number
  lost: number
  repeated: number
  reordered: number
  /** From the moment at which everything ran again to the last reply. */
  drainMs: number
}

export type Results = { all: Result[]; of(cell: Cell): Result[]; add(result: Result): Promise<void> }

/** The repetitions done so far, a line of JSON each, so that an interrupted run is gone on with. */
export async function openResults(file: string): Promise<Results> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const all = text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Result)
  return {
    all,
    of: cell => all.filter(result => isOf(result, cell)),
    async add(result) {
      all.push(result)
      await appendFile(file, `${JSON.stringify(result)}\n`)
    },
  }
}

const isOf = (result: Result, cell: Cell): boolean =>
  result.component === cell.component && result.moment === cell.moment && result.signal === cell.signal

const COLUMNS = ['acknowledged', 'replied', 'failed', 'lost', 'repeated', 'reordered'] as const

/** As Markdown: a row for each cell, summed over its repetitions. */
export function tableOf(results: Results, cells: Cell[]): string {
  const head = ['component', 'moment', 'signal', 'runs', 'not met', ...COLUMNS, 'drained in s: p50', 'max']
  const rows = cells.flatMap(cell => {
    const runs = results.of(cell)
    const struck = runs.filter(({ met }) => met)
    if (runs.length === 0) return []
    const drains = struck.map(({ drainMs }) => drainMs).sort((a, b) => a - b)
    const sums = COLUMNS.map(column => struck.reduce((sum, run) => sum + run[column], 0))
    const seconds = (ms: number | undefined) => (ms === undefined ? '-' : (ms / 1000).toFixed(1))
    return [
      [
        cell.component,
        cell.moment,
        cell.signal,
        struck.length,
        runs.length - struck.length,
        ...sums,
        seconds(drains[Math.floor(drains.length / 2)]),
        seconds(drains.at(-1)),
      ],
    ]
  })
  return [head, head.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |`).join('\n')
}

/** What the promises P1 to P3 forbid. */
export const isBroken = ({ met, lost, repeated, reordered }: Result): boolean =>
  met && lost + repeated + reordered > 0
