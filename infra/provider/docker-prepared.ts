import type { Log } from '../../shared/log.ts'
import type { Instance, Release } from './instances.ts'

export type Prepared = {
  /** Makes one of the release, unless there is one. */
  prepare(release: Release): void
  /** The one of the version, which nobody else gets; undefined when there is none. */
  take(version: string): Promise<Instance | undefined>
  /** Takes out those that the test names, without ending them. */
  remove(test: (version: string) => boolean): Promise<Instance[]>
}

export type PreparedOptions = {
  make(release: Release): Promise<Instance>
  log: Log
}

/** Containers that are made and not started: they hold no memory, and their start spares the time of making one. */
export function openPrepared({ make, log }: PreparedOptions): Prepared {
  const all = new Map<string, Promise<Instance | undefined>>()
  const take = async (version: string) => {
    const one = all.get(version)
    all.delete(version)
    return await one
  }
  return {
    prepare(release) {
      const { version, deployment } = release
      if (all.has(version)) return
      const making = make(release).catch(error => {
        // The next start makes its own, and tells what is wrong.
        log.warn({ function: deployment.name, err: error }, `no container of ${deployment.name} is prepared`)
        return undefined
      })
      all.set(version, making)
    },
    take,
    async remove(test) {
      const removed = await Promise.all([...all.keys()].filter(test).map(take))
      return removed.filter(instance => instance !== undefined)
    },
  }
}
