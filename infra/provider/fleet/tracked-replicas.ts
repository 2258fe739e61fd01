import type { Activity, Lease } from '../backend.ts'
import type { ProviderStore } from '../store.ts'
import type { Release, Replica } from './replica.ts'

const DRAIN_TIMEOUT_MS = 30_000

export type TrackedReplica = {
  replica: Replica
  inFlight: number
  /** Resolves when the replica is gone; undefined while it takes requests. */
  draining: Promise<void> | undefined
  idle: PromiseWithResolvers<void>
}

/** The running replicas of one version, their requests, and their rows in the store. */
export type TrackedReplicas = {
  /** Replicas that take new requests. */
  active(): TrackedReplica[]
  isActive(tracked: TrackedReplica): boolean
  /** Saves the replica, so that the next start of the provider finds it. */
  add(replica: Replica): void
  remove(tracked: TrackedReplica): void
  /** Counts a request on the replica with the fewest requests; undefined when none is active. */
  lease(onGone: () => void): Lease | undefined
  /** Gives the replica no new requests, waits up to 30 s for running ones, and then terminates it. */
  drain(tracked: TrackedReplica, terminate: (replica: Replica) => Promise<void>): Promise<void>
  /** Drains all replicas. A replica that is already draining ends with its first `terminate`. */
  drainAll(terminate: (replica: Replica) => Promise<void>): Promise<void>
  activity(): Omit<Activity, 'waiting'>
}

export type TrackedReplicasOptions = {
  release: Release
  /** Replicas of an earlier run. */
  existing: Replica[]
  store: Pick<ProviderStore, 'saveReplica' | 'removeReplica'>
  now: () => number
}

export function openTrackedReplicas({
  release,
  existing,
  store,
  now,
}: TrackedReplicasOptions): TrackedReplicas {
  let all: TrackedReplica[] = existing.map(trackedReplicaOf)
  let completed = 0
  let lastUsedAt = now()
  const active = () => all.filter(({ draining }) => !draining)
  const remove = (tracked: TrackedReplica) => {
    all = all.filter(one => one !== tracked)
    const { id } = tracked.replica
    // A paused replica may have been resumed, and so added again, before its pause ended.
    if (!all.some(({ replica }) => replica.id === id)) store.removeReplica(id)
  }
  const drain = (tracked: TrackedReplica, terminate: (replica: Replica) => Promise<void>) => {
    tracked.draining ??= untilIdle(tracked)
      .then(() => terminate(tracked.replica))
      .then(() => remove(tracked))
    return tracked.draining
  }
  return {
    active,
    isActive: tracked => all.includes(tracked) && !tracked.draining,
    add(replica) {
      store.saveReplica({ function: release.deployment.name, version: release.version, replica })
      all.push(trackedReplicaOf(replica))
    },
    remove,
    lease(onGone) {
      const tracked = leastBusy(all)
      if (!tracked) return undefined
      lastUsedAt = now()
      return createLease(tracked, outcome => {
        completed++
        lastUsedAt = now()
        if (outcome === 'gone') onGone()
      })
    },
    drain,
    drainAll: terminate => Promise.all(all.map(tracked => drain(tracked, terminate))).then(() => undefined),
    activity: () => ({
      inFlight: all.reduce((sum, { inFlight }) => sum + inFlight, 0),
      completed,
      lastUsedAt,
    }),
  }
}

/** Runs for every request, so it creates no array. */
function leastBusy(all: TrackedReplica[]): TrackedReplica | undefined {
  let best: TrackedReplica | undefined
  for (const tracked of all)
    if (!tracked.draining && (best === undefined || tracked.inFlight < best.inFlight)) best = tracked
  return best
}

function createLease(tracked: TrackedReplica, onRelease: (outcome: 'answered' | 'gone') => void): Lease {
  let isReleased = false
  tracked.inFlight++
  return {
    origin: tracked.replica.origin,
    release(outcome) {
      if (isReleased) return
      isReleased = true
      tracked.inFlight--
      if (tracked.inFlight === 0) {
        tracked.idle.resolve()
        tracked.idle = Promise.withResolvers()
      }
      onRelease(outcome)
    },
  }
}

async function untilIdle({ inFlight, idle }: TrackedReplica): Promise<void> {
  if (inFlight > 0) await Promise.race([idle.promise, untilAborted(AbortSignal.timeout(DRAIN_TIMEOUT_MS))])
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))

const trackedReplicaOf = (replica: Replica): TrackedReplica => ({
  replica,
  inFlight: 0,
  draining: undefined,
  idle: Promise.withResolvers(),
})
