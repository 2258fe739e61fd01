import { parentPort, workerData } from 'node:worker_threads'
import type { FaultName } from './faults.ts'
import { type RunResult, runSimulation } from './run.ts'

export type WorkerData = { kinds?: readonly FaultName[] }

/** A thread's messages: each run, and in the end the states that it visited. */
export type WorkerMessage =
  | { kind: 'run'; result: Omit<RunResult, 'states'> }
  | { kind: 'states'; states: Float64Array }

/** A thread that runs the seeds it is given, one after the other, until there are no more. */
const port = parentPort!
const { kinds } = workerData as WorkerData
const visited = new Set<number>()
const post = (message: WorkerMessage) => port.postMessage(message)

port.on('message', async (seed: number | null) => {
  if (seed === null) {
    post({ kind: 'states', states: Float64Array.from(visited) })
    return port.close()
  }
  const { states, ...result } = await runSimulation({ seed, ...(kinds && { kinds }) })
  for (const state of states) visited.add(state)
  post({ kind: 'run', result })
})
