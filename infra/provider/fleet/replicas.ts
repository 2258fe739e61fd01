import { setTimeout as wait } from 'node:timers/promises'
import { request } from 'undici'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Log } from '../../../shared/base/log.ts'
import { type Manifest, manifest } from '../../../shared/contract/catalogue.ts'
import type { Activity, Lease } from '../backend.ts'
import type { Store } from '../store.ts'
import type { Instance, InstanceDriver, Release } from './instances.ts'

const START_TRIES = 3
const FIRST_PAUSE_MS = 200
const DRAIN_LIMIT_MS = 30_000
const MANIFEST_LIMIT_MS = 5_000

export type ReplicasOptions = {
  release: Release
  /** How many there shall be at first. */
  replicas: number
  /** Replicas of a run before, which may have ended meanwhile. */
  kept: Instance[]
  driver: InstanceDriver
  store: Store
  log: Log
  now: () => number
  /** Called with the origin of a replica as soon as it has one. */
  placed: (origin: string) => void
}

/** The replicas of one version of a function. */
export type Replicas = {
  wanted(): number
  instances(): Instance[]
  activity(): Activity
  /** Errors: `unavailable` when one cannot be started; those that run are kept. */
  scale(count: number): Promise<void>
  /** Errors: `unavailable` when none runs and none can be started. */
  acquire(): Lease | Promise<Lease>
  /** The origin is a new replica's: one of these that had it has ended, and gets no more requests. */
  vacate(origin: string): void
  /** Notices replicas that have ended, and starts others in their place. */
  look(): Promise<void>
  /** Undefined when the function has none. */
  manifest(): Promise<Manifest | undefined>
  /** No new requests; those that run are finished, then the replicas are stopped. */
  end(): Promise<void>
  /** The replicas go on running, unless they are to stop. */
  close(stop: boolean): Promise<void>
}

type Member = {
  instance: Instance
  inFlight: number
  /** Resolves when it is gone. */
  leaving: Promise<void> | undefined
  idle: PromiseWithResolvers<void>
}

export function openReplicas(options: ReplicasOptions): Replicas {
  const { release, driver, store, log, now } = options
  const { version } = release
  const { name } = release.deployment
  let members: Member[] = options.kept.map(memberOf)
  let wanted = options.replicas
  let waking: Promise<void> | undefined
  let looking: Promise<void> | undefined
  let ended = false
  let waiting = 0
  let completed = 0
  let lastUsedAt = now()

  /** A wake, the autoscaler and a look may miss the same replica: one is started for all of them. */
  const starting = new Set<Promise<void>>()
  const startOne = (): Promise<void> => {
    const start = startNow().finally(() => starting.delete(start))
    starting.add(start)
    return start
  }
  const startNow = async () => {
    const instance = await driver.start(release, options.placed)
    if (ended) return await driver.stop(instance)
    store.saveInstance({ function: name, version, instance })
    members.push(memberOf(instance))
  }
  const forget = (member: Member) => {
    members = members.filter(one => one !== member)
    const { id } = member.instance
    // One that went to sleep may have been taken again before it was forgotten.
    if (!members.some(({ instance }) => instance.id === id)) store.removeInstance(id)
  }
  const retire = (member: Member, leave: (instance: Instance) => Promise<void>) => {
    member.leaving ??= drainAnd(leave, member)
    return member.leaving
  }
  const drainAnd = async (leave: (instance: Instance) => Promise<void>, member: Member) => {
    const limit = AbortSignal.timeout(DRAIN_LIMIT_MS)
    if (member.inFlight > 0) await Promise.race([member.idle.promise, aborted(limit)])
    await leave(member.instance)
    forget(member)
  }
  const rest = (instance: Instance) => driver.rest?.(instance, release) ?? driver.stop(instance)
  const staying = () => members.filter(({ leaving }) => !leaving)
  const scale = async (count: number) => {
    wanted = count
    const missing = count - staying().length - starting.size
    for (let n = 0; n < missing; n++) void startOne()
    const started = await Promise.allSettled(starting)
    const failed = started.find(({ status }) => status === 'rejected')
    if (failed) throw (failed as PromiseRejectedResult).reason
    const leaving = staying()
      .sort((a, b) => a.inFlight - b.inFlight)
      .slice(0, Math.max(0, -missing))
    await Promise.all(leaving.map(member => retire(member, rest)))
  }
  /** However many requests wait, one replica is started for them. */
  const wake = () => {
    waking ??= startWithRetries().finally(() => {
      waking = undefined
    })
    return waking
  }
  const startWithRetries = async () => {
    wanted = Math.max(1, wanted)
    for (let tries = 1; ; tries++) {
      try {
        const [first] = starting
        return await (first ?? startOne())
      } catch (error) {
        log.warn({ function: name, tries, err: error }, `${name} could not be started`)
        if (tries === START_TRIES || ended)
          throw new LaresError('unavailable', `${name} cannot be started: ${(error as Error).message}`, {
            cause: error,
            retryAfterMs: 5_000,
          })
        await wait(FIRST_PAUSE_MS * 2 ** (tries - 1))
      }
    }
  }
  const leastBusy = (): Member | undefined => {
    let best: Member | undefined
    for (const member of members)
      if (!member.leaving && (best === undefined || member.inFlight < best.inFlight)) best = member
    return best
  }
  const lend = (member: Member): Lease => {
    member.inFlight++
    lastUsedAt = now()
    let returned = false
    return {
      origin: member.instance.origin,
      release(outcome) {
        if (returned) return
        returned = true
        member.inFlight--
        completed++
        lastUsedAt = now()
        if (member.inFlight === 0) {
          member.idle.resolve()
          member.idle = Promise.withResolvers()
        }
        if (outcome === 'gone') void look()
      },
    }
  }
  const lendLater = async (): Promise<Lease> => {
    waiting++
    try {
      for (;;) {
        const member = leastBusy()
        if (member) return lend(member)
        if (ended) throw new LaresError('unavailable', `this version of ${name} has ended`)
        await wake()
      }
    } finally {
      waiting--
    }
  }
  const look = (): Promise<void> => {
    looking ??= lookOnce().finally(() => {
      looking = undefined
    })
    return looking
  }
  const bury = async (member: Member) => {
    log.warn({ function: name, instance: member.instance.id }, `a replica of ${name} has ended`)
    forget(member)
    // What it leaves behind, as a container that has ended.
    await driver
      .stop(member.instance)
      .catch(error => log.warn({ function: name, err: error }, `what a replica of ${name} has left stays`))
  }
  const lookOnce = async () => {
    for (const member of staying())
      if (!(await driver.isRunning(member.instance)) && members.includes(member) && !member.leaving)
        await bury(member)
    if (ended || waking || staying().length + starting.size >= wanted) return
    // What fails here is tried again at the next look.
    await startOne().catch(error => log.warn({ function: name, err: error }, `${name} could not be started`))
  }
  const end = async () => {
    ended = true
    wanted = 0
    await Promise.all(members.map(member => retire(member, driver.stop)))
    await driver.endResting?.(version)
  }
  return {
    wanted: () => wanted,
    instances: () => staying().map(({ instance }) => instance),
    activity: () => ({
      inFlight: members.reduce((sum, { inFlight }) => sum + inFlight, 0),
      completed,
      waiting,
      lastUsedAt,
    }),
    scale,
    acquire() {
      const member = leastBusy()
      return member ? lend(member) : lendLater()
    },
    vacate(origin) {
      for (const member of staying()) if (member.instance.origin === origin) void bury(member)
    },
    look,
    async manifest() {
      const [member] = staying()
      if (!member) return undefined
      const answer = await request(`${member.instance.origin}/_/manifest`, {
        headersTimeout: MANIFEST_LIMIT_MS,
      }).catch(() => undefined)
      const told = await answer?.body.json().catch(() => undefined)
      return manifest.safeParse(told).data
    },
    end,
    async close(stop) {
      if (stop) return await end()
      ended = true
      await looking
      await waking?.catch(() => undefined)
      await Promise.allSettled(starting)
    },
  }
}

const memberOf = (instance: Instance): Member => ({
  instance,
  inFlight: 0,
  leaving: undefined,
  idle: Promise.withResolvers(),
})

const aborted = (signal: AbortSignal) =>
  new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
