import { createHash } from 'node:crypto'
import { LaresError } from '../../../shared/base/errors.ts'
import { openKeyedMutex } from '../../../shared/base/keyed-mutex.ts'
import type { Logger } from '../../../shared/base/log.ts'
import type { Backend, DeployedFunction, Lease, Usage } from '../backend.ts'
import { canonicalJson, type Deployment, NAMESPACE } from '../deployment.ts'
import type { ProviderStore, StoredFunction } from '../store.ts'
import type { Release, Replica, ReplicaDriver } from './replica.ts'
import { openReplicaSet, type ReplicaSet } from './replica-set.ts'

export type ReplicaSetBackendOptions = {
  driver: ReplicaDriver
  store: ProviderStore
  log: Logger
  now?: () => number
  /** How often replicas are looked at whether they still run; default 1,000. */
  reconcileIntervalMs?: number
}

type ManagedFunction = StoredFunction & { replicaSet: ReplicaSet; notices: string[] }

/** Makes a backend of a driver that can run one replica: versions, replicas and what survives a crash are its work. */
export async function openReplicaSetBackend(options: ReplicaSetBackendOptions): Promise<Backend> {
  const { driver, store, log, now = Date.now, reconcileIntervalMs = 1_000 } = options
  const functions = new Map<string, ManagedFunction>()
  /** One change of a function at a time; they may come from several clients and from the autoscaler. */
  const mutex = openKeyedMutex()
  const getManaged = (name: string): ManagedFunction => {
    const one = functions.get(name)
    if (one) return one
    throw new LaresError('not_found', `no function "${name}" is deployed; faas-cli list shows those that are`)
  }
  /** An address is given anew as soon as its container has ended, which may be before anybody has looked. */
  const onOriginAssigned = (origin: string) => {
    for (const { replicaSet } of functions.values()) replicaSet.evictOrigin(origin)
  }
  const createReplicaSet = ({ replicas, ...release }: Release & { replicas: number }, existing: Replica[]) =>
    openReplicaSet({ release, replicas, existing, driver, store, log, now, onOriginAssigned })
  await restore()
  const reconcileTimer = setInterval(() => {
    for (const { replicaSet } of functions.values()) void replicaSet.reconcile()
  }, reconcileIntervalMs)

  async function restore(): Promise<void> {
    const stored = store.functions()
    const storedReplicas = store.replicas()
    for (const one of stored) {
      const { name } = one.deployment
      const existing = storedReplicas.filter(
        stored => stored.function === name && stored.version === one.version,
      )
      const replicaSet = createReplicaSet(
        one,
        existing.map(({ replica }) => replica),
      )
      await replicaSet.reconcile()
      // What was possible once and is not any more goes on running, and says why it could not be deployed now.
      const notices = await driver.check(one.deployment).catch(error => [(error as Error).message])
      functions.set(name, { ...one, replicaSet, notices })
    }
    const current = new Map(stored.map(one => [one.deployment.name, one.version]))
    // Of an update or a removal that a crash cut short.
    for (const { function: name, version, replica } of storedReplicas)
      if (current.get(name) !== version) await stopOrphan(replica)
    await driver.stopOrphans?.(
      [...functions.values()].flatMap(({ replicaSet }) => replicaSet.replicas()),
      [...current.values()],
    )
  }

  async function stopOrphan(instance: Replica): Promise<void> {
    await driver.stop(instance)
    store.removeReplica(instance.id)
  }

  async function deploy(deployment: Deployment): Promise<boolean> {
    const { name } = deployment
    if (deployment.namespace !== NAMESPACE)
      throw new LaresError(
        'invalid_request',
        `${name}: there is no namespace "${deployment.namespace}", only ${NAMESPACE}`,
      )
    const notices = await driver.check(deployment)
    const previous = functions.get(name)
    const content = await driver.contentDigestOf(deployment)
    const version = versionOf(deployment, content)
    if (previous?.version === version) return false
    const candidate = createReplicaSet({ deployment, content, version, replicas: 0 }, [])
    // It is started even if it may sleep: what does not answer is refused now, and its manifest is needed to wake it.
    const desired = Math.max(1, previous?.replicaSet.desired() ?? 1)
    await candidate.scale(desired).catch(async error => {
      await candidate.end()
      throw new LaresError('invalid_request', `${name} does not start: ${(error as Error).message}`, {
        cause: error,
      })
    })
    const stored = {
      deployment,
      content,
      version,
      manifest: await candidate.manifest(),
      createdAt: now(),
      replicas: desired,
    }
    store.saveFunction(stored)
    functions.set(name, { ...stored, replicaSet: candidate, notices })
    log.info({ function: name, version }, `${name} is deployed`)
    // Not awaited: what it still does may take its time, and the new one answers already.
    void previous?.replicaSet.end()
    return true
  }

  async function remove(name: string): Promise<void> {
    const one = getManaged(name)
    store.removeFunction(name)
    functions.delete(name)
    await one.replicaSet.end()
    if (!functions.has(name)) await driver.cleanUp(name)
    log.info({ function: name }, `${name} is removed`)
  }

  function acquire(name: string): Lease | Promise<Lease> {
    const one = getManaged(name)
    const lease = one.replicaSet.acquire()
    if (!(lease instanceof Promise)) return lease
    // Who waited for a version that was replaced meanwhile gets the new one.
    return lease.catch(error => (functions.get(name) === one ? Promise.reject(error) : acquire(name)))
  }

  const describe = ({
    deployment,
    createdAt,
    manifest,
    replicaSet,
    notices,
  }: ManagedFunction): DeployedFunction => ({
    deployment,
    createdAt,
    manifest,
    replicas: replicaSet.desired(),
    availableReplicas: replicaSet.replicas().length,
    activity: replicaSet.activity(),
    notices,
  })

  return {
    name: driver.name,
    scaledBy: 'provider',
    list: () => [...functions.values()].map(describe),
    get: name => describe(getManaged(name)),
    deploy: deployment => mutex.run(deployment.name, () => deploy(deployment)),
    remove: name => mutex.run(name, () => remove(name)),
    scale: (name, replicas) =>
      mutex.run(name, async () => {
        const one = getManaged(name)
        if (one.replicaSet.desired() === replicas && one.replicaSet.replicas().length === replicas) return
        await one.replicaSet.scale(replicas)
        store.saveFunction({ ...one, replicas })
      }),
    acquire,
    async usage(name) {
      const usages = await Promise.all(
        getManaged(name)
          .replicaSet.replicas()
          .map(instance => driver.usage(instance)),
      )
      return usages.reduce<Usage | undefined>(
        (sum, one) =>
          one && {
            cpuMs: (sum?.cpuMs ?? 0) + one.cpuMs,
            memoryBytes: (sum?.memoryBytes ?? 0) + one.memoryBytes,
          },
        undefined,
      )
    },
    secrets: driver.secrets,
    logs: (query, signal) => {
      getManaged(query.name)
      return driver.logs(query, signal)
    },
    async close({ stopFunctions }) {
      clearInterval(reconcileTimer)
      await mutex.settled()
      await Promise.all([...functions.values()].map(({ replicaSet }) => replicaSet.close(stopFunctions)))
      await driver.close({ stopFunctions })
    },
  }
}

/** Equal for what would run the same way. */
const versionOf = (deployment: Deployment, content: string): string =>
  createHash('sha256').update(canonicalJson(deployment)).update(content).digest('hex').slice(0, 16)
