import { EventEmitter } from 'node:events'
import type { WorkerOptions } from 'node:worker_threads'
import { splitIntoPassages } from '../../functions/memory/readers/chunks.ts'
import { readText } from '../../functions/memory/readers/plain-text.ts'
import type { Clock } from './clock.ts'
import type { Life } from './world/machine.ts'

const READ_DURATION_MS = 60

/**
 * The threads in which memory reads documents, as tasks of its process: a thread of its own would not wait for the simulated
 * clock. There are texts alone to read here.
 */
export const createWorkerClass = (clock: Clock) =>
  class Thread extends EventEmitter {
    readonly stdout = { resume: () => undefined }
    readonly stderr = { resume: () => undefined }
    constructor(_file: URL, { workerData }: WorkerOptions) {
      super()
      const { bytes } = workerData as { bytes: Uint8Array }
      const life = clock.currentOwner() as Life
      const { parts, count } = readText(bytes)
      // It dies with its process. Readers that wait for their turn get an error: they may belong to a later life.
      const die = () => this.emit('exit', 1)
      if (life.alive) life.onDeath(die)
      else queueMicrotask(die)
      clock.schedule(
        READ_DURATION_MS,
        () => this.emit('message', { pieces: splitIntoPassages(parts), count }),
        life,
      )
    }
    async terminate(): Promise<number> {
      return 1
    }
  }
