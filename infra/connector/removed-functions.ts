import { LaresError } from '../../shared/base/errors.ts'
import type { Logger } from '../../shared/base/log.ts'
import type { Catalogue } from '../../shared/contract/catalogue.ts'
import type { DeployedFunction } from '../../shared/contract/stack.ts'
import type { Worker } from './consumer/worker.ts'
import type { Invoker } from './invokers/invoker.ts'

/** A function is absent for a moment during its replacement: it counts as removed only when it stays absent. */
const REMOVAL_GRACE_MS = 3_000
/** After this time the catalogue no longer offers the skill, and all its requests have ended. */
const STOP_REJECTING_AFTER_MS = 60_000

/** A turn waits for a skill's result. Events of a stage wait until the stage is back. */
const isSkillTopic = (topic: string): boolean => topic.startsWith('lares.skill.')

export type RemovedFunctionsDependencies = {
  startWorker(name: string, topics: string[], invoker: Invoker): Promise<Worker>
  /** Stores the functions seen so far, so that the next start notices a removal while no connector runs. */
  catalogue: Pick<Catalogue, 'seenFunctions' | 'writeSeenFunctions'>
  now: () => number
  log: Logger
}

export type RemovedFunctions = {
  /** The connector calls this at each refresh with the deployed functions. */
  update(deployed: DeployedFunction[]): Promise<void>
  close(): Promise<void>
}

type AbsentFunction = { topics: string[]; sinceMs: number; worker?: Worker | undefined }

/**
 * Ends the requests of a removed skill, so that no turn waits for it: they go to the dead-letter topic, which dialog
 * reads. A topic that another deployed function reads is left to that function, so a skill can be renamed. A skill that
 * comes back gets its events as before.
 */
export function openRemovedFunctions(dependencies: RemovedFunctionsDependencies): RemovedFunctions {
  const { now } = dependencies
  let previous: DeployedFunction[] = []
  const seen = openSeenFunctions(dependencies)
  const absent = new Map<string, AbsentFunction>()

  const noteAbsent = (known: DeployedFunction[], deployed: DeployedFunction[]) => {
    for (const { name, topics } of known)
      if (!isDeployed(name, deployed) && !absent.has(name) && topics.some(isSkillTopic))
        absent.set(name, { topics: topics.filter(isSkillTopic), sinceMs: now() })
  }
  const forget = async (name: string) => {
    const worker = absent.get(name)?.worker
    absent.delete(name)
    await worker?.close()
  }
  const reject = async (name: string, one: AbsentFunction, deployed: DeployedFunction[]) => {
    const absentMs = now() - one.sinceMs
    const orphaned = one.topics.filter(topic => !deployed.some(({ topics }) => topics.includes(topic)))
    if (isDeployed(name, deployed) || orphaned.length === 0 || absentMs > STOP_REJECTING_AFTER_MS)
      return await forget(name)
    if (orphaned.length < one.topics.length) {
      one.topics = orphaned
      await one.worker?.close()
      one.worker = undefined
    }
    if (absentMs >= REMOVAL_GRACE_MS)
      one.worker ??= await dependencies.startWorker(name, orphaned, rejectingInvoker(name))
  }
  return {
    async update(deployed) {
      noteAbsent([...previous, ...(await seen.read())], deployed)
      previous = deployed
      for (const [name, one] of absent) await reject(name, one, deployed)
      await seen.write([...deployed, ...[...absent].map(([name, { topics }]) => ({ name, topics }))])
    },
    async close() {
      await Promise.all([...absent.values()].map(({ worker }) => worker?.close()))
      absent.clear()
    },
  }
}

const isDeployed = (name: string, deployed: DeployedFunction[]): boolean =>
  deployed.some(one => one.name === name)

/**
 * Reads the stored list once and writes it when it changes. When the store is unreachable, the next refresh tries
 * again.
 */
function openSeenFunctions({ catalogue, log }: RemovedFunctionsDependencies) {
  let isRead = false
  let written = ''
  const ignoreUnreachable = (error: unknown) =>
    log.warn({ err: error }, 'the functions that were deployed before are not known yet; trying again')
  return {
    async read(): Promise<DeployedFunction[]> {
      if (isRead) return []
      try {
        const stored = await catalogue.seenFunctions()
        isRead = true
        return stored
      } catch (error) {
        ignoreUnreachable(error)
        return []
      }
    },
    /** Writes nothing before the list was read: an earlier write would lose the functions in it. */
    async write(functions: DeployedFunction[]): Promise<void> {
      const text = JSON.stringify(functions)
      if (!isRead || text === written) return
      try {
        await catalogue.writeSeenFunctions(functions)
        written = text
      } catch (error) {
        ignoreUnreachable(error)
      }
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
