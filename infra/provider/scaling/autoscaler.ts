import type { Logger } from '../../../shared/base/log.ts'
import type { Backend, DeployedFunction } from '../backend.ts'
import { scalingPolicyOf } from '../deployment.ts'
import { isInActiveHours, parseActiveHours } from './active-hours.ts'
import { desiredReplicas, type Load } from './scaling.ts'

const INTERVAL_MS = 1_000
/** The window for rates, so that one burst does not start replicas that nobody needs. */
const RATE_WINDOW_MS = 10_000
/** The autoscaler removes replicas only after they were too many for this long, as OpenFaaS does (stable window). */
const STABLE_WINDOW_MS = 30_000

export type AutoscalerOptions = {
  backend: Backend
  log: Logger
  /** Events of its topics that a function has not finished; undefined when the lag is not known. */
  lagOf?: (one: DeployedFunction) => Promise<number | undefined>
  now?: () => number
  /** The time between two checks; default 1,000. */
  intervalMs?: number
}

type LoadHistory = {
  samples: { at: number; completed: number; cpuMs: number }[]
  scaleDownSince: number | undefined
}

/** Keeps each function at the number of replicas that its labels, active hours and load require. */
export function startAutoscaler(options: AutoscalerOptions): {
  look(): Promise<void>
  close(): Promise<void>
} {
  const { backend, log, lagOf, now = Date.now, intervalMs = INTERVAL_MS } = options
  const histories = new Map<string, LoadHistory>()

  const loadOf = async (one: DeployedFunction, history: LoadHistory): Promise<Load> => {
    const { activity, availableReplicas, deployment } = one
    const usage =
      scalingPolicyOf(deployment).type === 'cpu' ? await backend.usage(deployment.name) : undefined
    const at = now()
    history.samples.push({ at, completed: activity.completed, cpuMs: usage?.cpuMs ?? 0 })
    history.samples = history.samples.filter(sample => at - sample.at <= RATE_WINDOW_MS)
    const [oldest] = history.samples
    const elapsedMs = Math.max(at - oldest!.at, INTERVAL_MS)
    const activeHours = parseActiveHours(deployment.annotations)
    return {
      ready: availableReplicas,
      inFlight: activity.inFlight + activity.waiting,
      requestsPerSecond: (Math.max(0, activity.completed - oldest!.completed) / elapsedMs) * 1_000,
      millicores: (Math.max(0, (usage?.cpuMs ?? 0) - oldest!.cpuMs) / elapsedMs) * 1_000,
      lag: await lagOf?.(one),
      idleMs: at - activity.lastUsedAt,
      active: activeHours && isInActiveHours(activeHours, at),
    }
  }
  const reconcileFunction = async (one: DeployedFunction) => {
    const { name } = one.deployment
    const history = histories.get(name) ?? { samples: [], scaleDownSince: undefined }
    histories.set(name, history)
    const desired = desiredReplicas(scalingPolicyOf(one.deployment), await loadOf(one, history))
    const isScaleDown = desired < one.replicas
    history.scaleDownSince = isScaleDown ? (history.scaleDownSince ?? now()) : undefined
    // A function waits longer for scale to zero.
    if (
      desired === one.replicas ||
      (isScaleDown && desired > 0 && now() - history.scaleDownSince! < STABLE_WINDOW_MS)
    )
      return
    log.info(
      { function: name, from: one.replicas, to: desired },
      `${name} goes from ${one.replicas} to ${desired}`,
    )
    await backend.scale(name, desired)
  }
  const look = async () => {
    const functions = backend.list()
    for (const name of histories.keys())
      if (!functions.some(({ deployment }) => deployment.name === name)) histories.delete(name)
    await Promise.all(
      functions.map(one =>
        reconcileFunction(one).catch(error =>
          log.warn(
            { function: one.deployment.name, err: error },
            `${one.deployment.name} could not be scaled`,
          ),
        ),
      ),
    )
  }
  let reconciling: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    reconciling = reconciling.then(look)
  }, intervalMs)
  return {
    look,
    async close() {
      clearInterval(timer)
      await reconciling
    },
  }
}
