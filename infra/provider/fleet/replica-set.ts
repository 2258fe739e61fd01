import { LaresError } from '../../../shared/base/errors.ts'
import type { Logger } from '../../../shared/base/log.ts'
import type { Manifest } from '../../../shared/contract/catalogue.ts'
import type { Activity, Lease } from '../backend.ts'
import { fetchManifest } from '../reported-manifest.ts'
import type { ProviderStore } from '../store.ts'
import type { Release, Replica, ReplicaDriver } from './replica.ts'
import { openReplicaStarter, type ReplicaStarter } from './replica-starter.ts'
import { openTrackedReplicas, type TrackedReplica, type TrackedReplicas } from './tracked-replicas.ts'

export type ReplicaSetOptions = {
  release: Release
  /** The initial number of desired replicas. */
  replicas: number
  /** Replicas of an earlier run, some of which may have ended meanwhile. */
  existing: Replica[]
  driver: ReplicaDriver
  store: ProviderStore
  log: Logger
  now: () => number
  /** Called with the origin of a replica as soon as the replica has one. */
  onOriginAssigned: (origin: string) => void
}

/** The replicas of one version of a function. */
export type ReplicaSet = {
  desired(): number
  replicas(): Replica[]
  activity(): Activity
  /** Errors: `unavailable` when a replica cannot be started. Running replicas are kept. */
  scale(count: number): Promise<void>
  /** Waits for a replica to start when none runs. Errors: `unavailable` when none can be started. */
  acquire(): Lease | Promise<Lease>
  /**
   * A new replica has this origin now. The replica of this set with the same origin has ended, and gets no more
   * requests.
   */
  evictOrigin(origin: string): void
  /** Finds replicas that have ended, and starts others in their place. */
  reconcile(): Promise<void>
  /** Undefined when the function has none. */
  manifest(): Promise<Manifest | undefined>
  /** Accepts no new requests, finishes running ones, and stops the replicas. */
  end(): Promise<void>
  /** The replicas continue to run, unless `stop` is true. */
  close(stop: boolean): Promise<void>
}

export function openReplicaSet(options: ReplicaSetOptions): ReplicaSet {
  const { release, driver, log } = options
  const { name } = release.deployment
  const tracked = openTrackedReplicas(options)
  const state = { desired: options.replicas, isEnded: false, waiting: 0 }
  const starter = openReplicaStarter({
    name,
    async createReplica() {
      const replica = await driver.start(release, options.onOriginAssigned)
      if (state.isEnded) await driver.stop(replica)
      else tracked.add(replica)
    },
    isEnded: () => state.isEnded,
    log,
  })
  const reconciler = openReconciler({ name, driver, log, tracked, starter, state })
  const lease = () => tracked.lease(() => void reconciler.reconcile())
  const awaitLease = async (): Promise<Lease> => {
    state.waiting++
    try {
      for (;;) {
        const acquired = lease()
        if (acquired) return acquired
        if (state.isEnded) throw new LaresError('unavailable', `this version of ${name} has ended`)
        state.desired = Math.max(1, state.desired)
        await starter.wake()
      }
    } finally {
      state.waiting--
    }
  }
  const end = async () => {
    state.isEnded = true
    state.desired = 0
    await tracked.drainAll(driver.stop)
    await driver.stopPaused?.(release.version)
  }
  return {
    desired: () => state.desired,
    replicas: () => tracked.active().map(({ replica }) => replica),
    activity: () => ({ ...tracked.activity(), waiting: state.waiting }),
    async scale(count) {
      state.desired = count
      await scaleTo(
        count,
        tracked,
        starter,
        replica => driver.pause?.(replica, release) ?? driver.stop(replica),
      )
    },
    acquire: () => lease() ?? awaitLease(),
    evictOrigin(origin) {
      for (const one of tracked.active()) if (one.replica.origin === origin) void reconciler.removeExited(one)
    },
    reconcile: reconciler.reconcile,
    async manifest() {
      const [first] = tracked.active()
      return first && (await fetchManifest(first.replica.origin))
    },
    end,
    async close(stop) {
      if (stop) return await end()
      state.isEnded = true
      await reconciler.settled()
      await starter.close()
    },
  }
}

/** Starts missing replicas, or drains the replicas with the fewest requests. */
async function scaleTo(
  count: number,
  tracked: TrackedReplicas,
  starter: ReplicaStarter,
  terminate: (replica: Replica) => Promise<void>,
): Promise<void> {
  const missing = count - tracked.active().length - starter.count()
  for (let n = 0; n < missing; n++) void starter.start()
  await starter.settled()
  const leaving = tracked
    .active()
    .sort((a, b) => a.inFlight - b.inFlight)
    .slice(0, Math.max(0, -missing))
  await Promise.all(leaving.map(one => tracked.drain(one, terminate)))
}

type ReconcilerDependencies = {
  name: string
  driver: ReplicaDriver
  log: Logger
  tracked: TrackedReplicas
  starter: ReplicaStarter
  state: { readonly desired: number; readonly isEnded: boolean }
}

/** Compares the desired replicas with those that run; one comparison at a time. */
function openReconciler({ name, driver, log, tracked, starter, state }: ReconcilerDependencies) {
  let reconciling: Promise<void> | undefined
  const removeExited = async (one: TrackedReplica) => {
    log.warn({ function: name, instance: one.replica.id }, `a replica of ${name} has ended`)
    tracked.remove(one)
    // The driver removes leftovers, such as an ended container.
    await driver
      .stop(one.replica)
      .catch(err => log.warn({ function: name, err }, `the rest of an ended replica of ${name} stays`))
  }
  const reconcileOnce = async () => {
    for (const one of tracked.active())
      if (!(await driver.isRunning(one.replica)) && tracked.isActive(one)) await removeExited(one)
    const isComplete = tracked.active().length + starter.count() >= state.desired
    if (state.isEnded || starter.isWaking() || isComplete) return
    // The next call tries again.
    await starter.start().catch(err => log.warn({ function: name, err }, `${name} cannot be started`))
  }
  return {
    removeExited,
    reconcile(): Promise<void> {
      reconciling ??= reconcileOnce().finally(() => {
        reconciling = undefined
      })
      return reconciling
    },
    settled: async () => await reconciling,
  }
}
