import { setTimeout as wait } from 'node:timers/promises'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Logger } from '../../../shared/base/log.ts'
import type { Pod, Service, StoredObject } from './cluster.ts'
import type { Revisions } from './revisions.ts'
import { conditionOf, crashReasonOf, isUnschedulable } from './status.ts'

const ROLLBACK_TIMEOUT_MS = 10_000

/** Notifies those who wait for a change of the watched cluster, so that they check again. */
export type ChangeSignal = { onChange(): void; nextChange(limitMs: number): Promise<unknown> }

export function createChangeSignal(): ChangeSignal {
  let changed = Promise.withResolvers<void>()
  return {
    onChange() {
      changed.resolve()
      changed = Promise.withResolvers()
    },
    nextChange: limitMs => Promise.race([changed.promise, wait(limitMs)]),
  }
}

export type RolloutSettings = {
  log: Logger
  now?: () => number
  /** The most time until a new version answers, including the download of images and models; default 5 minutes. */
  readyTimeoutMs?: number
  /** The most time that a pod may wait for a node with room; default 20 s. */
  schedulingTimeoutMs?: number
}

type RolloutOptions = RolloutSettings & {
  find(name: string): Service | undefined
  podsOf(name: string): Pod[]
  revisions: Revisions
  changes: ChangeSignal
}

/**
 * How a version gets room on a node. `none`: no node can have it. `waited for`: it waits for room. `made`: the version
 * before it gives up its room.
 */
export type CapacityPolicy = 'none' | 'waited for' | 'made'

export type Rollout = {
  /** Waits until the applied version answers. Errors: `unavailable` with Knative's reason. */
  awaitReady(name: string, applied: StoredObject, room: CapacityPolicy): Promise<void>
  /** Removes the version that did not start, after another was applied in its place. */
  removeFailedRevision(failed: Service): Promise<void>
  isAborted(): boolean
  /** Rejects all waits in `awaitReady`. */
  abort(): void
}

/** Rolls out a new version on Knative, which starts it beside the old one and moves requests when it is ready. */
export function openRollout(options: RolloutOptions): Rollout {
  const { find, podsOf, revisions, changes, log, now = Date.now } = options
  const { readyTimeoutMs = 5 * 60_000, schedulingTimeoutMs = 20_000 } = options
  let isAborted = false

  /** `maxUnschedulableMs`: how long the scheduler may find no node. */
  async function untilReady(name: string, generation: number, maxUnschedulableMs: number): Promise<void> {
    const startedAt = now()
    const deadline = startedAt + readyTimeoutMs
    for (;;) {
      if (isAborted) throw new LaresError('unavailable', 'the provider is stopping')
      const service = find(name)
      const isObserved = (service?.status?.observedGeneration ?? 0) >= generation
      const ready = service && conditionOf(service, 'Ready')
      if (isObserved && ready?.status === 'True') return
      // The route's condition does not help: meanwhile it reports that it has no target.
      const configurationsReady = service && conditionOf(service, 'ConfigurationsReady')
      if (isObserved && configurationsReady?.status === 'False') {
        const reason = configurationsReady.message ?? configurationsReady.reason ?? 'Knative gives no reason'
        if (!isUnschedulable(reason) || now() - startedAt >= maxUnschedulableMs)
          throw new LaresError('unavailable', reason)
      }
      // Knative reads pods only when something else changes, so it may report a crash only after its own deadline.
      const crash =
        isObserved &&
        service &&
        revisions.latestPodsOf(service, podsOf(name)).map(crashReasonOf).find(Boolean)
      if (crash) throw new LaresError('unavailable', crash)
      const remainingMs = deadline - now()
      if (remainingMs <= 0)
        throw new LaresError(
          'unavailable',
          ready?.message ?? `Knative has not brought it up within ${readyTimeoutMs / 1_000} s`,
        )
      await changes.nextChange(Math.min(remainingMs, 1_000))
    }
  }

  return {
    async awaitReady(name, { metadata: { generation = 1 } }, capacity) {
      await untilReady(name, generation, capacity === 'waited for' ? schedulingTimeoutMs : 0).catch(
        async cause => {
          const service = find(name)
          if (capacity !== 'made' || !service || !isUnschedulable((cause as Error).message)) throw cause
          // Events wait on the log meanwhile.
          log.info({ function: name }, `the old version of ${name} ends, so that the new one has its GPU`)
          await revisions.removeAllButLatest(service)
          await untilReady(name, generation, schedulingTimeoutMs)
        },
      )
    },
    async removeFailedRevision(failed) {
      const { name } = failed.metadata
      const failedRevision = failed.status?.latestCreatedRevisionName
      const deadline = now() + ROLLBACK_TIMEOUT_MS
      // Until Knative has created another revision in its place, it would create the same one again.
      while (find(name)?.status?.latestCreatedRevisionName === failedRevision && now() < deadline)
        await changes.nextChange(500)
      await revisions.removeLatest(failed)
    },
    isAborted: () => isAborted,
    abort() {
      isAborted = true
      changes.onChange()
    },
  }
}
