import type { Logger } from '../../../shared/base/log.ts'
import type { Replica } from '../fleet/replica.ts'

export type PausedPool = {
  /** Pauses the replica. Ends the oldest paused ones while all together exceed the budget. */
  add(instance: Replica, version: string): Promise<void>
  /** Unpauses a replica of this version; undefined when none is paused. */
  resume(version: string): Promise<Replica | undefined>
  /** Removes the replicas of these versions from the pool, without ending them. */
  removeWhere(test: (version: string) => boolean): Replica[]
  /** Adds a replica that was found paused at the start. */
  adopt(instance: Replica, version: string): Promise<void>
}

export type PausedPoolOptions = {
  /** The memory that all paused replicas together may hold. */
  budgetBytes: number
  pause(instance: Replica): Promise<void>
  unpause(instance: Replica): Promise<void>
  end(instance: Replica): Promise<void>
  memoryOf(instance: Replica): Promise<number>
  log: Logger
}

/** Paused containers. They keep their memory and use no processor time, and resuming takes a fraction of a start. */
export function openPausedPool({
  budgetBytes,
  pause,
  unpause,
  end,
  memoryOf,
  log,
}: PausedPoolOptions): PausedPool {
  /** The oldest first. */
  let paused: { instance: Replica; version: string; bytes: number }[] = []
  const totalBytes = () => paused.reduce((sum, { bytes }) => sum + bytes, 0)
  const adopt = async (replica: Replica, version: string) => {
    // `resume` may take it during the measurement, which takes Docker a second.
    const candidate = { instance: replica, version, bytes: 0 }
    paused.push(candidate)
    candidate.bytes = await memoryOf(replica).catch(() => 0)
    while (totalBytes() > budgetBytes) {
      const oldest = paused.shift()!
      log.info(
        { instance: oldest.instance.id },
        `${oldest.instance.id} is removed: paused containers exceed their memory budget`,
      )
      await end(oldest.instance)
    }
  }
  return {
    async add(replica, version) {
      if (budgetBytes === 0) return await end(replica)
      await pause(replica)
      await adopt(replica, version)
    },
    adopt,
    async resume(version) {
      for (;;) {
        const candidate = paused.findLast(entry => entry.version === version)
        if (!candidate) return undefined
        paused = paused.filter(entry => entry !== candidate)
        try {
          await unpause(candidate.instance)
          return candidate.instance
        } catch (error) {
          log.warn(
            { instance: candidate.instance.id, err: error },
            `${candidate.instance.id} cannot be unpaused and is removed`,
          )
          await end(candidate.instance)
        }
      }
    },
    removeWhere(test) {
      const removed = paused.filter(({ version }) => test(version))
      paused = paused.filter(({ version }) => !test(version))
      return removed.map(({ instance: replica }) => replica)
    },
  }
}
