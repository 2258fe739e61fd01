import { Worker } from 'node:worker_threads'
import type { FaultName } from './faults.ts'
import type { RunResult } from './run.ts'
import type { WorkerMessage } from './worker.ts'

export type ParallelRunOptions = {
  from: number
  count: number
  threads: number
  kinds?: readonly FaultName[]
  /** False ends the whole. */
  onRun(result: Omit<RunResult, 'states'>): boolean
}

/** Runs many seeds on some threads, and gives the number of distinct states that were visited. */
export async function runInParallel({
  from,
  count,
  threads,
  kinds,
  onRun,
}: ParallelRunOptions): Promise<number> {
  const visited = new Set<number>()
  let nextSeed = from
  let isStopped = false
  const assignSeed = (worker: Worker) =>
    worker.postMessage(!isStopped && nextSeed < from + count ? nextSeed++ : null)
  const runWorker = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(new URL('worker.ts', import.meta.url), {
        workerData: { ...(kinds && { kinds }) },
      })
      worker.on('error', reject)
      worker.on('exit', code => (code === 0 ? resolve() : reject(new Error(`a thread ended with ${code}`))))
      worker.on('message', (message: WorkerMessage) => {
        if (message.kind === 'states') for (const state of message.states) visited.add(state)
        else {
          if (!onRun(message.result)) isStopped = true
          assignSeed(worker)
        }
      })
      assignSeed(worker)
    })
  await Promise.all(Array.from({ length: Math.min(threads, count) }, runWorker))
  return visited.size
}
