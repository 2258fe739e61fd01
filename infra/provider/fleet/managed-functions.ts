import { LaresError } from '../../../shared/base/errors.ts'
import type { Logger } from '../../../shared/base/log.ts'
import type { ProviderStore, StoredFunction } from '../store.ts'
import type { Release, Replica, ReplicaDriver } from './replica.ts'
import { openReplicaSet, type ReplicaSet } from './replica-set.ts'

export type ManagedFunction = StoredFunction & { replicaSet: ReplicaSet; notices: string[] }

/** The deployed functions, each with the replicas of its current version. */
export type ManagedFunctions = {
  all(): ManagedFunction[]
  find(name: string): ManagedFunction | undefined
  /** Errors: `not_found`. */
  get(name: string): ManagedFunction
  /** Saves the function as deployed. The caller ends the replica set that it replaces. */
  put(managed: ManagedFunction): void
  remove(name: string): void
  createReplicaSet(release: Release & { replicas: number }, existing: Replica[]): ReplicaSet
}

export type ManagedFunctionsOptions = {
  driver: ReplicaDriver
  store: ProviderStore
  log: Logger
  now: () => number
}

export function openManagedFunctions({ driver, store, log, now }: ManagedFunctionsOptions): ManagedFunctions {
  const functions = new Map<string, ManagedFunction>()
  /** Docker reuses the address of an ended container, perhaps before the reconciler has noticed the end. */
  const onOriginAssigned = (origin: string) => {
    for (const { replicaSet } of functions.values()) replicaSet.evictOrigin(origin)
  }
  return {
    all: () => [...functions.values()],
    find: name => functions.get(name),
    get(name) {
      const managed = functions.get(name)
      if (managed) return managed
      throw new LaresError(
        'not_found',
        `no function "${name}" is deployed; faas-cli list shows all functions`,
      )
    },
    put(managed) {
      const { replicaSet: _, notices: __, ...stored } = managed
      store.saveFunction(stored)
      functions.set(managed.deployment.name, managed)
    },
    remove(name) {
      store.removeFunction(name)
      functions.delete(name)
    },
    createReplicaSet: ({ replicas, ...release }, existing) =>
      openReplicaSet({ release, replicas, existing, driver, store, log, now, onOriginAssigned }),
  }
}

/**
 * Finds the functions and replicas of an earlier run again, and stops leftovers of an interrupted update or removal.
 */
export async function restoreFunctions(
  functions: ManagedFunctions,
  { driver, store }: Pick<ManagedFunctionsOptions, 'driver' | 'store'>,
): Promise<void> {
  const storedFunctions = store.functions()
  const storedReplicas = store.replicas()
  for (const stored of storedFunctions) {
    const { name } = stored.deployment
    const existing = storedReplicas
      .filter(one => one.function === name && one.version === stored.version)
      .map(({ replica }) => replica)
    const replicaSet = functions.createReplicaSet(stored, existing)
    await replicaSet.reconcile()
    // A function that could no longer be deployed continues to run. `faas-cli describe` shows the reason.
    const notices = await driver.check(stored.deployment).catch(error => [(error as Error).message])
    functions.put({ ...stored, replicaSet, notices })
  }
  const current = new Map(storedFunctions.map(({ deployment, version }) => [deployment.name, version]))
  for (const { function: name, version, replica } of storedReplicas)
    if (current.get(name) !== version) {
      await driver.stop(replica)
      store.removeReplica(replica.id)
    }
  const running = functions.all().flatMap(({ replicaSet }) => replicaSet.replicas())
  await driver.stopOrphans?.(running, [...current.values()])
}
