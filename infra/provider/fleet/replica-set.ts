import { setTimeout as wait } from 'node:timers/promises'
import { request } from 'undici'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Logger } from '../../../shared/base/log.ts'
import { type Manifest, manifestSchema } from '../../../shared/contract/catalogue.ts'
import type { Activity, Lease } from '../backend.ts'
import type { ProviderStore } from '../store.ts'
import type { Release, Replica, ReplicaDriver } from './replica.ts'

const MAX_START_ATTEMPTS = 3
const INITIAL_BACKOFF_MS = 200
const DRAIN_TIMEOUT_MS = 30_000
const MANIFEST_TIMEOUT_MS = 5_000

export type ReplicaSetOptions = {
  release: Release
  /** How many there shall be at first. */
  replicas: number
  /** Replicas of a run before, which may have ended meanwhile. */
  existing: Replica[]
  driver: ReplicaDriver
  store: ProviderStore
  log: Logger
  now: () => number
  /** Called with the origin of a replica as soon as it has one. */
  onOriginAssigned: (origin: string) => void
}

/** The replicas of one version of a function. */
export type ReplicaSet = {
  desired(): number
  replicas(): Replica[]
  activity(): Activity
  /** Errors: `unavailable` when one cannot be started; those that run are kept. */
  scale(count: number): Promise<void>
  /** Errors: `unavailable` when none runs and none can be started. */
  acquire(): Lease | Promise<Lease>
  /** The origin is a new replica's: one of these that had it has ended, and gets no more requests. */
  evictOrigin(origin: string): void
  /** Notices replicas that have ended, and starts others in their place. */
  reconcile(): Promise<void>
  /** Undefined when the function has none. */
  manifest(): Promise<Manifest | undefined>
  /** No new requests; those that run are finished, then the replicas are stopped. */
  end(): Promise<void>
  /** The replicas go on running, unless they are to stop. */
  close(stop: boolean): Promise<void>
}

type TrackedReplica = {
  replica: Replica
  inFlight: number
  /** Resolves when it is gone. */
  draining: Promise<void> | undefined
  idle: PromiseWithResolvers<void>
}

export function openReplicaSet(options: ReplicaSetOptions): ReplicaSet {
  const { release, driver, store, log, now } = options
  const { version } = release
  const { name } = release.deployment
  let trackedReplicas: TrackedReplica[] = options.existing.map(trackedReplicaOf)
  let desired = options.replicas
  let waking: Promise<void> | undefined
  let reconciling: Promise<void> | undefined
  let isEnded = false
  let waiting = 0
  let completed = 0
  let lastUsedAt = now()

  /** A wake, the autoscaler and a look may miss the same replica: one is started for all of them. */
  const starting = new Set<Promise<void>>()
  const startReplica = (): Promise<void> => {
    const start = createReplica().finally(() => starting.delete(start))
    starting.add(start)
    return start
  }
  const createReplica = async () => {
    const replica = await driver.start(release, options.onOriginAssigned)
    if (isEnded) return await driver.stop(replica)
    store.saveReplica({ function: name, version, replica })
    trackedReplicas.push(trackedReplicaOf(replica))
  }
  const removeTracked = (tracked: TrackedReplica) => {
    trackedReplicas = trackedReplicas.filter(one => one !== tracked)
    const { id } = tracked.replica
    // One that went to sleep may have been taken again before it was forgotten.
    if (!trackedReplicas.some(({ replica }) => replica.id === id)) store.removeReplica(id)
  }
  const drain = (tracked: TrackedReplica, terminate: (replica: Replica) => Promise<void>) => {
    tracked.draining ??= drainThen(terminate, tracked)
    return tracked.draining
  }
  const drainThen = async (terminate: (replica: Replica) => Promise<void>, tracked: TrackedReplica) => {
    const timeout = AbortSignal.timeout(DRAIN_TIMEOUT_MS)
    if (tracked.inFlight > 0) await Promise.race([tracked.idle.promise, untilAborted(timeout)])
    await terminate(tracked.replica)
    removeTracked(tracked)
  }
  const pauseOrStop = (replica: Replica) => driver.pause?.(replica, release) ?? driver.stop(replica)
  const activeReplicas = () => trackedReplicas.filter(({ draining }) => !draining)
  const scale = async (count: number) => {
    desired = count
    const missing = count - activeReplicas().length - starting.size
    for (let n = 0; n < missing; n++) void startReplica()
    const started = await Promise.allSettled(starting)
    const failed = started.find(({ status }) => status === 'rejected')
    if (failed) throw (failed as PromiseRejectedResult).reason
    const leaving = activeReplicas()
      .sort((a, b) => a.inFlight - b.inFlight)
      .slice(0, Math.max(0, -missing))
    await Promise.all(leaving.map(tracked => drain(tracked, pauseOrStop)))
  }
  /** However many requests wait, one replica is started for them. */
  const wake = () => {
    waking ??= startWithRetries().finally(() => {
      waking = undefined
    })
    return waking
  }
  const startWithRetries = async () => {
    desired = Math.max(1, desired)
    for (let attempt = 1; ; attempt++) {
      try {
        const [first] = starting
        return await (first ?? startReplica())
      } catch (error) {
        log.warn({ function: name, tries: attempt, err: error }, `${name} could not be started`)
        if (attempt === MAX_START_ATTEMPTS || isEnded)
          throw new LaresError('unavailable', `${name} cannot be started: ${(error as Error).message}`, {
            cause: error,
            retryAfterMs: 5_000,
          })
        await wait(INITIAL_BACKOFF_MS * 2 ** (attempt - 1))
      }
    }
  }
  const leastBusy = (): TrackedReplica | undefined => {
    let best: TrackedReplica | undefined
    for (const tracked of trackedReplicas)
      if (!tracked.draining && (best === undefined || tracked.inFlight < best.inFlight)) best = tracked
    return best
  }
  const createLease = (tracked: TrackedReplica): Lease => {
    tracked.inFlight++
    lastUsedAt = now()
    let isReleased = false
    return {
      origin: tracked.replica.origin,
      release(outcome) {
        if (isReleased) return
        isReleased = true
        tracked.inFlight--
        completed++
        lastUsedAt = now()
        if (tracked.inFlight === 0) {
          tracked.idle.resolve()
          tracked.idle = Promise.withResolvers()
        }
        if (outcome === 'gone') void reconcile()
      },
    }
  }
  const awaitLease = async (): Promise<Lease> => {
    waiting++
    try {
      for (;;) {
        const tracked = leastBusy()
        if (tracked) return createLease(tracked)
        if (isEnded) throw new LaresError('unavailable', `this version of ${name} has ended`)
        await wake()
      }
    } finally {
      waiting--
    }
  }
  const reconcile = (): Promise<void> => {
    reconciling ??= reconcileOnce().finally(() => {
      reconciling = undefined
    })
    return reconciling
  }
  const removeExited = async (tracked: TrackedReplica) => {
    log.warn({ function: name, instance: tracked.replica.id }, `a replica of ${name} has ended`)
    removeTracked(tracked)
    // What it leaves behind, as a container that has ended.
    await driver
      .stop(tracked.replica)
      .catch(error => log.warn({ function: name, err: error }, `what a replica of ${name} has left stays`))
  }
  const reconcileOnce = async () => {
    for (const tracked of activeReplicas())
      if (
        !(await driver.isRunning(tracked.replica)) &&
        trackedReplicas.includes(tracked) &&
        !tracked.draining
      )
        await removeExited(tracked)
    if (isEnded || waking || activeReplicas().length + starting.size >= desired) return
    // What fails here is tried again at the next look.
    await startReplica().catch(error =>
      log.warn({ function: name, err: error }, `${name} could not be started`),
    )
  }
  const end = async () => {
    isEnded = true
    desired = 0
    await Promise.all(trackedReplicas.map(tracked => drain(tracked, driver.stop)))
    await driver.stopPaused?.(version)
  }
  return {
    desired: () => desired,
    replicas: () => activeReplicas().map(({ replica }) => replica),
    activity: () => ({
      inFlight: trackedReplicas.reduce((sum, { inFlight }) => sum + inFlight, 0),
      completed,
      waiting,
      lastUsedAt,
    }),
    scale,
    acquire() {
      const tracked = leastBusy()
      return tracked ? createLease(tracked) : awaitLease()
    },
    evictOrigin(origin) {
      for (const tracked of activeReplicas())
        if (tracked.replica.origin === origin) void removeExited(tracked)
    },
    reconcile,
    async manifest() {
      const [tracked] = activeReplicas()
      if (!tracked) return undefined
      const answer = await request(`${tracked.replica.origin}/_/manifest`, {
        headersTimeout: MANIFEST_TIMEOUT_MS,
      }).catch(() => undefined)
      const body = await answer?.body.json().catch(() => undefined)
      return manifestSchema.safeParse(body).data
    },
    end,
    async close(stop) {
      if (stop) return await end()
      isEnded = true
      await reconciling
      await waking?.catch(() => undefined)
      await Promise.allSettled(starting)
    },
  }
}

const trackedReplicaOf = (replica: Replica): TrackedReplica => ({
  replica,
  inFlight: 0,
  draining: undefined,
  idle: Promise.withResolvers(),
})

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
