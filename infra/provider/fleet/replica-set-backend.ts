import { createHash } from 'node:crypto'
import { openKeyedMutex } from '../../../shared/base/concurrency/keyed-mutex.ts'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Logger } from '../../../shared/base/log.ts'
import type { Backend, DeployedFunction, Lease, Usage } from '../backend.ts'
import { canonicalJson, type Deployment, NAMESPACE } from '../deployment.ts'
import type { ProviderStore } from '../store.ts'
import {
  type ManagedFunction,
  type ManagedFunctions,
  openManagedFunctions,
  restoreFunctions,
} from './managed-functions.ts'
import type { ReplicaDriver } from './replica.ts'
import type { ReplicaSet } from './replica-set.ts'

export type ReplicaSetBackendOptions = {
  driver: ReplicaDriver
  store: ProviderStore
  log: Logger
  now?: () => number
  /** The interval between checks that replicas still run; default 1,000. */
  reconcileIntervalMs?: number
}

/** Builds a backend on a driver that can run one replica: it manages versions, replicas and recovery after a crash. */
export async function openReplicaSetBackend(options: ReplicaSetBackendOptions): Promise<Backend> {
  const { driver, store, log, now = Date.now, reconcileIntervalMs = 1_000 } = options
  const functions = openManagedFunctions({ driver, store, log, now })
  const deployer = { functions, driver, log, now }
  /** Changes of one function run one at a time; they come from several clients and from the autoscaler. */
  const mutex = openKeyedMutex()
  await restoreFunctions(functions, { driver, store })
  const reconcileTimer = setInterval(() => {
    for (const { replicaSet } of functions.all()) void replicaSet.reconcile()
  }, reconcileIntervalMs)
  return {
    name: driver.name,
    scaledBy: 'provider',
    list: () => functions.all().map(describe),
    get: name => describe(functions.get(name)),
    deploy: deployment => mutex.run(deployment.name, () => deploy(deployment, deployer)),
    remove: name => mutex.run(name, () => remove(name, deployer)),
    scale: (name, replicas) => mutex.run(name, () => scale(functions.get(name), replicas, store)),
    acquire: name => acquire(name, functions),
    usage: name => totalUsage(functions.get(name).replicaSet, driver),
    secrets: driver.secrets,
    logs: (query, signal) => {
      functions.get(query.name)
      return driver.logs(query, signal)
    },
    async close({ stopFunctions }) {
      clearInterval(reconcileTimer)
      await mutex.settled()
      await Promise.all(functions.all().map(({ replicaSet }) => replicaSet.close(stopFunctions)))
      await driver.close({ stopFunctions })
    },
  }
}

type DeployerDependencies = {
  functions: ManagedFunctions
  driver: ReplicaDriver
  log: Logger
  now: () => number
}

async function deploy(deployment: Deployment, dependencies: DeployerDependencies): Promise<boolean> {
  const { functions, driver, log, now } = dependencies
  const { name, namespace } = deployment
  if (namespace !== NAMESPACE)
    throw new LaresError(
      'invalid_request',
      `${name}: there is no namespace "${namespace}", only ${NAMESPACE}`,
    )
  const notices = await driver.check(deployment)
  const previous = functions.find(name)
  const content = await driver.contentDigestOf(deployment)
  const version = versionOf(deployment, content)
  if (previous?.version === version) return false
  const replicaSet = functions.createReplicaSet({ deployment, content, version, replicas: 0 }, [])
  // A function that may scale to zero is started too. The deployment thus fails at once when it does not answer, and
  // the backend reads its manifest.
  const replicas = Math.max(1, previous?.replicaSet.desired() ?? 1)
  await startFirst(replicaSet, replicas, name)
  const manifest = await replicaSet.manifest()
  functions.put({ deployment, content, version, manifest, createdAt: now(), replicas, replicaSet, notices })
  log.info({ function: name, version }, `${name} is deployed`)
  // Not awaited: the old version may need time for its last requests, and the new one already answers.
  void previous?.replicaSet.end()
  return true
}

async function startFirst(candidate: ReplicaSet, replicas: number, name: string): Promise<void> {
  await candidate.scale(replicas).catch(async cause => {
    await candidate.end()
    throw new LaresError('invalid_request', `${name} does not start: ${(cause as Error).message}`, { cause })
  })
}

async function remove(name: string, { functions, driver, log }: DeployerDependencies): Promise<void> {
  const { replicaSet } = functions.get(name)
  functions.remove(name)
  await replicaSet.end()
  if (!functions.find(name)) await driver.cleanUp(name)
  log.info({ function: name }, `${name} is removed`)
}

async function scale(managed: ManagedFunction, replicas: number, store: ProviderStore): Promise<void> {
  const { replicaSet, notices: _, ...stored } = managed
  if (replicaSet.desired() === replicas && replicaSet.replicas().length === replicas) return
  await replicaSet.scale(replicas)
  store.saveFunction({ ...stored, replicas })
}

function acquire(name: string, functions: ManagedFunctions): Lease | Promise<Lease> {
  const managed = functions.get(name)
  const lease = managed.replicaSet.acquire()
  if (!(lease instanceof Promise)) return lease
  // A request that waited for a replaced version gets the new version.
  return lease.catch(error =>
    functions.find(name) === managed ? Promise.reject(error) : acquire(name, functions),
  )
}

/** Undefined when the usage of one replica is not known. */
async function totalUsage(replicaSet: ReplicaSet, driver: ReplicaDriver): Promise<Usage | undefined> {
  const usages = await Promise.all(replicaSet.replicas().map(replica => driver.usage(replica)))
  return usages.reduce<Usage | undefined>(
    (sum, usage) =>
      usage && {
        cpuMs: (sum?.cpuMs ?? 0) + usage.cpuMs,
        memoryBytes: (sum?.memoryBytes ?? 0) + usage.memoryBytes,
      },
    undefined,
  )
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

/** Equal for deployments that run the same way. */
const versionOf = (deployment: Deployment, content: string): string =>
  createHash('sha256').update(canonicalJson(deployment)).update(content).digest('hex').slice(0, 16)
