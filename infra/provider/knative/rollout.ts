import { setTimeout as wait } from 'node:timers/promises'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Log } from '../../../shared/base/log.ts'
import type { Pod, Service, Stored } from './cluster.ts'
import type { Revisions } from './revisions.ts'
import { conditionOf, crashIn, isAboutRoom } from './status.ts'

const TAKE_BACK_LIMIT_MS = 10_000

/** What follows the cluster says when something has changed, and whoever waits looks again. */
export type Changes = { onChange(): void; next(limitMs: number): Promise<unknown> }

export function openChanges(): Changes {
  let changed = Promise.withResolvers<void>()
  return {
    onChange() {
      changed.resolve()
      changed = Promise.withResolvers()
    },
    next: limitMs => Promise.race([changed.promise, wait(limitMs)]),
  }
}

export type RolloutLimits = {
  log: Log
  now?: () => number
  /** How long a new version may take until it answers, images and models to be fetched included; default 5 minutes. */
  readyLimitMs?: number
  /** How long a pod may wait for a node with room; default 20 s. */
  roomLimitMs?: number
}

type RolloutOptions = RolloutLimits & {
  find(name: string): Service | undefined
  podsOf(name: string): Pod[]
  revisions: Revisions
  changes: Changes
}

/** A node's room for a version: no node can have it; it may come; the version before it makes it when there is none. */
export type Room = 'none' | 'waited for' | 'made'

export type Rollout = {
  /** Until what was applied answers. Errors: `unavailable` with Knative's reason. */
  up(name: string, applied: Stored, room: Room): Promise<void>
  /** Removes the version that did not come up, after another was applied in its place. */
  dropFailed(failed: Service): Promise<void>
  isEnding(): boolean
  /** Whoever waits in `up` waits no more. */
  end(): void
}

/** How a new version comes up on Knative, which starts it beside the old one and moves requests when it is ready. */
export function openRollout(options: RolloutOptions): Rollout {
  const { find, podsOf, revisions, changes, log, now = Date.now } = options
  const { readyLimitMs = 5 * 60_000, roomLimitMs = 20_000 } = options
  let isEnding = false

  /** `roomMs`: how long the scheduler may find no node. */
  async function untilReady(name: string, generation: number, roomMs: number): Promise<void> {
    const startedAt = now()
    const deadline = startedAt + readyLimitMs
    for (;;) {
      if (isEnding) throw new LaresError('unavailable', 'the provider is stopping')
      const service = find(name)
      const isSeen = (service?.status?.observedGeneration ?? 0) >= generation
      const ready = service && conditionOf(service, 'Ready')
      if (isSeen && ready?.status === 'True') return
      // Of its route it is said meanwhile that there is nothing to route to.
      const made = service && conditionOf(service, 'ConfigurationsReady')
      if (isSeen && made?.status === 'False') {
        const reason = made.message ?? made.reason ?? 'Knative tells no reason'
        if (!isAboutRoom(reason) || now() - startedAt >= roomMs) throw new LaresError('unavailable', reason)
      }
      // Knative looks at pods when something else has changed, so that it may tell of them after its own deadline only.
      const crash =
        isSeen && service && revisions.newestPodsOf(service, podsOf(name)).map(crashIn).find(Boolean)
      if (crash) throw new LaresError('unavailable', crash)
      const left = deadline - now()
      if (left <= 0)
        throw new LaresError(
          'unavailable',
          ready?.message ?? `Knative has not brought it up within ${readyLimitMs / 1_000} s`,
        )
      await changes.next(Math.min(left, 1_000))
    }
  }

  return {
    async up(name, { metadata: { generation = 1 } }, room) {
      await untilReady(name, generation, room === 'waited for' ? roomLimitMs : 0).catch(async cause => {
        const service = find(name)
        if (room !== 'made' || !service || !isAboutRoom((cause as Error).message)) throw cause
        // Events wait on the log meanwhile.
        log.info({ function: name }, `the old version of ${name} ends, so that the new one has its GPU`)
        await revisions.keepNewest(service)
        await untilReady(name, generation, roomLimitMs)
      })
    },
    async dropFailed(failed) {
      const { name } = failed.metadata
      const newest = failed.status?.latestCreatedRevisionName
      const deadline = now() + TAKE_BACK_LIMIT_MS
      // Before Knative has made another one in its place, it would make the same again.
      while (find(name)?.status?.latestCreatedRevisionName === newest && now() < deadline)
        await changes.next(500)
      await revisions.dropNewest(failed)
    },
    isEnding: () => isEnding,
    end() {
      isEnding = true
      changes.onChange()
    },
  }
}
