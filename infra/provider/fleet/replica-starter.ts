import { setTimeout as wait } from 'node:timers/promises'
import { backoffMs } from '../../../shared/base/concurrency/backoff.ts'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Logger } from '../../../shared/base/log.ts'

const MAX_ATTEMPTS = 3
const BACKOFF = { baseMs: 200, maxMs: 30_000 }

export type ReplicaStarter = {
  /** Starts one more replica. */
  start(): Promise<void>
  /** The number of replicas that are starting. */
  count(): number
  /** Resolves when the replicas that are starting have started or failed. Errors: that of the first that failed. */
  settled(): Promise<void>
  /**
   * Starts one replica, however many requests wait for it, and tries up to three times. A start in progress counts too.
   * Errors: `unavailable`.
   */
  wake(): Promise<void>
  isWaking(): boolean
  /** Resolves when no start is in progress. */
  close(): Promise<void>
}

export type ReplicaStarterOptions = {
  name: string
  /** Errors: `unavailable`. */
  createReplica(): Promise<void>
  /** True when the version has ended, so that nobody needs another attempt. */
  isEnded(): boolean
  log: Logger
}

/** The starts of one version's replicas. Requests, the autoscaler and the reconciler may request the same replica. */
export function openReplicaStarter(options: ReplicaStarterOptions): ReplicaStarter {
  const { name, createReplica, isEnded, log } = options
  const starting = new Set<Promise<void>>()
  let waking: Promise<void> | undefined
  const start = (): Promise<void> => {
    const started = createReplica().finally(() => starting.delete(started))
    starting.add(started)
    return started
  }
  const startWithRetries = async () => {
    for (let attempt = 1; ; attempt++) {
      try {
        const [first] = starting
        return await (first ?? start())
      } catch (error) {
        log.warn({ function: name, attempt, err: error }, `${name} cannot be started`)
        if (attempt === MAX_ATTEMPTS || isEnded()) throw startError(name, error as Error)
        await wait(backoffMs(attempt, BACKOFF))
      }
    }
  }
  return {
    start,
    count: () => starting.size,
    async settled() {
      const results = await Promise.allSettled(starting)
      const failed = results.find(({ status }) => status === 'rejected')
      if (failed) throw (failed as PromiseRejectedResult).reason
    },
    wake() {
      waking ??= startWithRetries().finally(() => {
        waking = undefined
      })
      return waking
    },
    isWaking: () => waking !== undefined,
    async close() {
      await waking?.catch(() => undefined)
      await Promise.allSettled(starting)
    },
  }
}

const startError = (name: string, cause: Error) =>
  new LaresError('unavailable', `${name} cannot be started: ${cause.message}`, { cause, retryAfterMs: 5_000 })
