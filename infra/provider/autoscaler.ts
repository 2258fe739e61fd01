import type { Log } from '../../shared/base/log.ts'
import { activeHoursOf, isActive } from './active-hours.ts'
import type { Backend, DeployedFunction } from './backend.ts'
import { policyOf } from './deployment.ts'
import { desiredReplicas, type Load } from './scaling.ts'

const LOOK_EVERY_MS = 1_000
/** Rates are taken over this time, so that one burst does not start replicas that nobody needs. */
const WINDOW_MS = 10_000
/** Fewer replicas only after they were too many for this long: OpenFaaS waits so too (stable window). */
const CALM_MS = 30_000

export type AutoscalerOptions = {
  backend: Backend
  log: Log
  /** Events of its topics that a function has not finished; undefined when nobody can tell. */
  lagOf?: (one: DeployedFunction) => Promise<number | undefined>
  now?: () => number
  /** How often it looks; default 1,000. */
  everyMs?: number
}

type Memory = {
  samples: { at: number; completed: number; cpuMs: number }[]
  tooManySince: number | undefined
}

/** Keeps each function at as many replicas as its labels, its active hours and its load ask for. */
export function startAutoscaler(options: AutoscalerOptions): {
  look(): Promise<void>
  close(): Promise<void>
} {
  const { backend, log, lagOf, now = Date.now, everyMs = LOOK_EVERY_MS } = options
  const memories = new Map<string, Memory>()

  const loadOf = async (one: DeployedFunction, memory: Memory): Promise<Load> => {
    const { activity, availableReplicas, deployment } = one
    const usage = policyOf(deployment).type === 'cpu' ? await backend.usage(deployment.name) : undefined
    const at = now()
    memory.samples.push({ at, completed: activity.completed, cpuMs: usage?.cpuMs ?? 0 })
    memory.samples = memory.samples.filter(sample => at - sample.at <= WINDOW_MS)
    const [first] = memory.samples
    const elapsedMs = Math.max(at - first!.at, LOOK_EVERY_MS)
    const hours = activeHoursOf(deployment.annotations)
    return {
      ready: availableReplicas,
      inFlight: activity.inFlight + activity.waiting,
      requestsPerSecond: (Math.max(0, activity.completed - first!.completed) / elapsedMs) * 1_000,
      millicores: (Math.max(0, (usage?.cpuMs ?? 0) - first!.cpuMs) / elapsedMs) * 1_000,
      lag: await lagOf?.(one),
      idleMs: at - activity.lastUsedAt,
      active: hours && isActive(hours, at),
    }
  }
  const tend = async (one: DeployedFunction) => {
    const { name } = one.deployment
    const memory = memories.get(name) ?? { samples: [], tooManySince: undefined }
    memories.set(name, memory)
    const desired = desiredReplicas(policyOf(one.deployment), await loadOf(one, memory))
    const fewer = desired < one.replicas
    memory.tooManySince = fewer ? (memory.tooManySince ?? now()) : undefined
    // Sleep has its own, longer wait.
    if (desired === one.replicas || (fewer && desired > 0 && now() - memory.tooManySince! < CALM_MS)) return
    log.info(
      { function: name, from: one.replicas, to: desired },
      `${name} goes from ${one.replicas} to ${desired}`,
    )
    await backend.scale(name, desired)
  }
  const look = async () => {
    const functions = backend.list()
    for (const name of memories.keys())
      if (!functions.some(({ deployment }) => deployment.name === name)) memories.delete(name)
    await Promise.all(
      functions.map(one =>
        tend(one).catch(error =>
          log.warn(
            { function: one.deployment.name, err: error },
            `${one.deployment.name} could not be scaled`,
          ),
        ),
      ),
    )
  }
  let looking: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    looking = looking.then(look)
  }, everyMs)
  return {
    look,
    async close() {
      clearInterval(timer)
      await looking
    },
  }
}
