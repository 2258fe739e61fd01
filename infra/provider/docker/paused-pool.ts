import type { Log } from '../../../shared/base/log.ts'
import type { Instance } from '../fleet/instances.ts'

export type Resting = {
  /** Pauses it; ends it, and the oldest before it, when all that rest hold more than the budget. */
  keep(instance: Instance, version: string): Promise<void>
  /** One of the version that has been continued; undefined when none rests. */
  take(version: string): Promise<Instance | undefined>
  /** Takes out those that the test names, without ending them. */
  remove(test: (version: string) => boolean): Instance[]
  /** One that was found paused at the start. */
  found(instance: Instance, version: string): Promise<void>
}

export type RestingOptions = {
  /** How much memory all that rest may hold. */
  budgetBytes: number
  pause(instance: Instance): Promise<void>
  unpause(instance: Instance): Promise<void>
  end(instance: Instance): Promise<void>
  memoryOf(instance: Instance): Promise<number>
  log: Log
}

/** Paused containers: they hold their memory and use no processor, and continue in a fraction of the time of a start. */
export function openResting({ budgetBytes, pause, unpause, end, memoryOf, log }: RestingOptions): Resting {
  /** The oldest first. */
  let all: { instance: Instance; version: string; bytes: number }[] = []
  const held = () => all.reduce((sum, { bytes }) => sum + bytes, 0)
  const found = async (instance: Instance, version: string) => {
    // It may be taken again while it is measured, which takes Docker a second.
    const one = { instance, version, bytes: 0 }
    all.push(one)
    one.bytes = await memoryOf(instance).catch(() => 0)
    while (held() > budgetBytes) {
      const oldest = all.shift()!
      log.info(
        { instance: oldest.instance.id },
        `${oldest.instance.id} rests no longer: memory for it is spent`,
      )
      await end(oldest.instance)
    }
  }
  return {
    async keep(instance, version) {
      if (budgetBytes === 0) return await end(instance)
      await pause(instance)
      await found(instance, version)
    },
    found,
    async take(version) {
      for (;;) {
        const one = all.findLast(resting => resting.version === version)
        if (!one) return undefined
        all = all.filter(resting => resting !== one)
        try {
          await unpause(one.instance)
          return one.instance
        } catch (error) {
          log.warn(
            { instance: one.instance.id, err: error },
            `${one.instance.id} does not continue and is ended`,
          )
          await end(one.instance)
        }
      }
    },
    remove(test) {
      const removed = all.filter(({ version }) => test(version))
      all = all.filter(({ version }) => !test(version))
      return removed.map(({ instance }) => instance)
    },
  }
}
