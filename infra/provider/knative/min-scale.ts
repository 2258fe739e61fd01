import type { KeyedMutex } from '../../../shared/base/concurrency/keyed-mutex.ts'
import type { Logger } from '../../../shared/base/log.ts'
import { type Deployment, scalingPolicyOf } from '../deployment.ts'
import { isInActiveHours, parseActiveHours } from '../scaling/active-hours.ts'
import type { FunctionServices } from './function-services.ts'
import { deploymentIn } from './service-annotations.ts'

/**
 * The replicas that a function keeps at the time `nowMs`. With active hours it keeps one inside and none outside,
 * whatever its labels say. Errors: `invalid_request`.
 */
export function minScaleAt(deployment: Deployment, nowMs: number): number {
  const { min, zero } = scalingPolicyOf(deployment)
  const activeHours = parseActiveHours(deployment.annotations)
  if (!activeHours) return zero ? 0 : min
  return isInActiveHours(activeHours, nowMs) ? Math.max(1, min) : 0
}

export type MinScale = {
  /** Errors: `not_found`, `unavailable`. */
  set(name: string, replicas: number): Promise<void>
  /** Sets the deployment's minimum scale for this time of day. Errors: `not_found`, `unavailable`. */
  setCurrent(deployment: Deployment): Promise<void>
  /** Sets the minimum scale of functions with active hours that have begun or ended since the last call. */
  followActiveHours(): Promise<void>
}

export type MinScaleDependencies = {
  services: FunctionServices
  mutex: KeyedMutex
  log: Logger
  now: () => number
}

export function openMinScale({ services, mutex, log, now }: MinScaleDependencies): MinScale {
  const set = async (name: string, replicas: number) => {
    const service = services.get(name)
    if (services.revisions.minScale(service) !== replicas) await services.revisions.scale(service, replicas)
  }
  return {
    set,
    setCurrent: deployment => set(deployment.name, minScaleAt(deployment, now())),
    async followActiveHours() {
      for (const service of services.all()) {
        const deployment = deploymentIn(service)
        const { name } = deployment
        const minScale = minScaleAt(deployment, now())
        if (!parseActiveHours(deployment.annotations) || minScale === services.revisions.minScale(service))
          continue
        log.info({ function: name, minScale }, `${name} ${minScale === 0 ? 'may sleep' : 'stays awake'}`)
        await mutex
          .run(name, () => set(name, minScale))
          .catch(err =>
            log.warn(
              { err, function: name },
              `${name} keeps its replicas until the next attempt, in a minute`,
            ),
          )
      }
    },
  }
}
