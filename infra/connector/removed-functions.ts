import { LaresError } from '../../shared/base/errors.ts'
import type { DeployedFunction } from '../../shared/contract/stack.ts'
import type { Worker } from './consumer/worker.ts'
import type { Invoker } from './invokers/invoker.ts'

/** What is replaced is away for a moment: only what stays away was removed. */
const REMOVAL_GRACE_MS = 3_000
/** By then nobody offers the skill any more, and what was asked of it has ended. */
const STOP_REJECTING_AFTER_MS = 60_000

/** Of a skill somebody waits for an answer; events of a stage wait for the stage to come back. */
const isSkillTopic = (topic: string): boolean => topic.startsWith('lares.skill.')

export type RemovedFunctions = {
  /** Told at each refresh which functions are deployed. */
  update(deployed: DeployedFunction[]): Promise<void>
  close(): Promise<void>
}

type AbsentFunction = { topics: string[]; sinceMs: number; worker?: Worker }

/**
 * Ends what was still asked of a skill that was removed, so that no turn waits for it: its last events go to the
 * dead-letter topic, which dialog reads. A skill that comes back gets its events as before.
 */
export function openRemovedFunctions(
  startWorker: (name: string, topics: string[], invoker: Invoker) => Promise<Worker>,
  now: () => number,
): RemovedFunctions {
  let previous: DeployedFunction[] = []
  const absentFunctions = new Map<string, AbsentFunction>()
  const stopRejecting = async (name: string) => {
    const absentFunction = absentFunctions.get(name)
    absentFunctions.delete(name)
    await absentFunction?.worker?.close()
  }
  return {
    async update(deployed) {
      const deployedNames = new Set(deployed.map(({ name }) => name))
      for (const { name, topics } of previous)
        if (!deployedNames.has(name) && topics.some(isSkillTopic))
          absentFunctions.set(name, { topics: topics.filter(isSkillTopic), sinceMs: now() })
      previous = deployed
      for (const [name, absentFunction] of absentFunctions) {
        const absentMs = now() - absentFunction.sinceMs
        if (deployedNames.has(name) || absentMs > STOP_REJECTING_AFTER_MS) await stopRejecting(name)
        else if (absentMs >= REMOVAL_GRACE_MS)
          absentFunction.worker ??= await startWorker(name, absentFunction.topics, rejectingInvoker(name))
      }
    },
    async close() {
      for (const name of absentFunctions.keys()) await stopRejecting(name)
    },
  }
}

function rejectingInvoker(name: string): Invoker {
  const removedError = () => new LaresError('rejected', `the skill ${name} was removed`)
  return {
    // biome-ignore lint/correctness/useYield: a stream that fails before its first event
    async *invoke() {
      throw removedError()
    },
    manifest: async () => Promise.reject(removedError()),
    close: async () => undefined,
  }
}
