import { Worker } from 'node:worker_threads'
import type { FaultName } from './faults.ts'
import type { RunResult } from './run.ts'
import type { Told } from './worker.ts'

export type Many = {
  from: number
  count: number
  threads: number
  kinds?: readonly FaultName[]
  /** False ends the whole. */
  onRun(result: Omit<RunResult, 'states'>): boolean
}

/** Runs many seeds on some threads, and gives the number of distinct states that were visited. */
export async function runMany({ from, count, threads, kinds, onRun }: Many): Promise<number> {
  const visited = new Set<number>()
  let next = from
  let isOver = false
  const give = (worker: Worker) => worker.postMessage(!isOver && next < from + count ? next++ : null)
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(new URL('worker.ts', import.meta.url), {
        workerData: { ...(kinds && { kinds }) },
      })
      worker.on('error', reject)
      worker.on('exit', code => (code === 0 ? resolve() : reject(new Error(`a thread ended with ${code}`))))
      worker.on('message', (told: Told) => {
        if (told.kind === 'states') for (const state of told.states) visited.add(state)
        else {
          if (!onRun(told.result)) isOver = true
          give(worker)
        }
      })
      give(worker)
    })
  await Promise.all(Array.from({ length: Math.min(threads, count) }, work))
  return visited.size
}
