import { LaresError } from '../../shared/base/errors.ts'
import type { DeployedFunction } from '../../shared/contract/stack.ts'
import type { Worker } from './consumer/worker.ts'
import type { Invoker } from './invokers/invoker.ts'

/** What is replaced is away for a moment: only what stays away was removed. */
const REMOVED_AFTER_MS = 3_000
/** By then nobody offers the skill any more, and what was asked of it has ended. */
const DONE_AFTER_MS = 60_000

/** Of a skill somebody waits for an answer; events of a stage wait for the stage to come back. */
const isSkill = (topic: string): boolean => topic.startsWith('lares.skill.')

export type Removed = {
  /** Told at each refresh which functions are deployed. */
  see(deployed: DeployedFunction[]): Promise<void>
  close(): Promise<void>
}

type Absent = { topics: string[]; since: number; worker?: Worker }

/**
 * Ends what was still asked of a skill that was removed, so that no turn waits for it: its last events go to the
 * dead-letter topic, which dialog reads. A skill that comes back gets its events as before.
 */
export function openRemoved(
  start: (name: string, topics: string[], invoker: Invoker) => Promise<Worker>,
  now: () => number,
): Removed {
  let before: DeployedFunction[] = []
  const absent = new Map<string, Absent>()
  const end = async (name: string) => {
    const one = absent.get(name)
    absent.delete(name)
    await one?.worker?.close()
  }
  return {
    async see(deployed) {
      const there = new Set(deployed.map(({ name }) => name))
      for (const { name, topics } of before)
        if (!there.has(name) && topics.some(isSkill))
          absent.set(name, { topics: topics.filter(isSkill), since: now() })
      before = deployed
      for (const [name, one] of absent) {
        const awayMs = now() - one.since
        if (there.has(name) || awayMs > DONE_AFTER_MS) await end(name)
        else if (awayMs >= REMOVED_AFTER_MS) one.worker ??= await start(name, one.topics, refusing(name))
      }
    },
    async close() {
      for (const name of absent.keys()) await end(name)
    },
  }
}

function refusing(name: string): Invoker {
  const refuse = () => new LaresError('rejected', `the skill ${name} was removed`)
  return {
    // biome-ignore lint/correctness/useYield: a stream that fails before its first event
    async *invoke() {
      throw refuse()
    },
    manifest: async () => Promise.reject(refuse()),
    close: async () => undefined,
  }
}
