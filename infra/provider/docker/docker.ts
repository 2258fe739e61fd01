import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import Docker from 'dockerode'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Logger } from '../../../shared/base/log.ts'
import type { Deployment } from '../deployment.ts'
import { EGRESS_ANNOTATION } from '../egress.ts'
import type { Release, Replica, ReplicaDriver } from '../fleet/replica.ts'
import { checkConstraints, checkSecrets } from '../nodes.ts'
import { providerIdOf, SECRETS_PATH, type SharedFolder } from './container.ts'
import { respondsAgain, untilReady } from './container-readiness.ts'
import { pullImage } from './images.ts'
import { openDockerLogReader } from './logs.ts'
import { openNetworkResolver } from './network.ts'
import { openPausedPool, type PausedPool } from './paused-pool.ts'
import { openReplicaContainers, type ReplicaContainers } from './replica-containers.ts'
import { type MountedSecrets, openMountedSecrets } from './secrets.ts'
import { usageOf } from './usage.ts'

const MASTER_KEY_FILE = 'lares-master-key'

export type DockerOptions = {
  /** The folder of the provider's data, in which it keeps secrets. */
  folder: string
  labels: Map<string, string>
  /** Variables of every function's environment. */
  environment: Record<string, string>
  /** Folders of this machine that every function sees, read-only. */
  shared: SharedFolder[]
  /** The file with the master key, which every function needs to read encrypted data; undefined without encryption. */
  masterKeyFile: string | undefined
  /** An existing network to use; undefined for a network of the provider's own. */
  network: string | undefined
  /** The memory limit of paused containers; with 0 the provider removes idle containers. */
  pausedBytes: number
  log: Logger
}

/**
 * Runs a replica as a container of the Docker daemon at DOCKER_HOST (by default the socket of this machine). Containers
 * outlive the provider, which finds them again by their labels. Errors: `unavailable` when no daemon answers.
 */
export async function openDockerDriver(options: DockerOptions): Promise<ReplicaDriver> {
  const { folder, labels, log } = options
  const docker = await connectDocker()
  await ensureMasterKey(options.masterKeyFile)
  const provider = providerIdOf(folder)
  const secrets = await openMountedSecrets(folder)
  const containers = openReplicaContainers(docker, provider)
  const remove = async (replica: Replica) => {
    await containers.remove(replica)
    await secrets.unmount(replica.id)
  }
  const removeAll = (replicas: Replica[]) => Promise.all(replicas.map(remove)).then(() => undefined)
  const pausedPool = openPausedPool({
    budgetBytes: options.pausedBytes,
    pause: replica => containers.of(replica).pause(),
    unpause: replica => containers.of(replica).unpause(),
    end: remove,
    memoryOf: async replica => (await usageOf(containers.of(replica))).memoryBytes,
    log,
  })
  const resolveNetwork = openNetworkResolver(docker, options.network)
  const dependencies = { options, provider, secrets, containers, pausedPool, resolveNetwork, remove }
  return {
    name: 'docker',
    async check(deployment) {
      checkConstraints(deployment, labels)
      checkSecrets(deployment, await secrets.list())
      return egressNotices(deployment)
    },
    contentDigestOf: deployment => pullImage(docker, deployment, log),
    start: async (release, onOriginAssigned) =>
      (await resumePaused(release, dependencies)) ??
      (await startContainer(release, dependencies, onOriginAssigned)),
    isRunning: containers.isRunning,
    stop: remove,
    pause: (replica, { version }) => pausedPool.add(replica, version).catch(() => remove(replica)),
    stopPaused: version => removeAll(pausedPool.removeWhere(one => one === version)),
    stopOrphans: (replicas, versions) => stopOrphans(replicas, versions, dependencies),
    usage: async replica => await usageOf(containers.of(replica)).catch(() => undefined),
    secrets,
    logs: openDockerLogReader(docker, provider),
    cleanUp: async () => undefined,
    async close({ stopFunctions }) {
      if (stopFunctions) await removeAll(pausedPool.removeWhere(() => true))
    },
  }
}

type DockerDependencies = {
  options: DockerOptions
  provider: string
  secrets: MountedSecrets
  containers: ReplicaContainers
  pausedPool: PausedPool
  resolveNetwork(deployment: Deployment): Promise<string>
  remove(replica: Replica): Promise<void>
}

async function connectDocker(): Promise<Docker> {
  const docker = new Docker()
  await docker.ping().catch(cause => {
    throw new LaresError(
      'unavailable',
      `no Docker daemon answers (${cause.message}); start dockerd, or set DOCKER_HOST`,
      { cause },
    )
  })
  return docker
}

/**
 * Creates the master key when it is missing. The first process of a deployment does this, and that may be a provider.
 */
async function ensureMasterKey(file: string | undefined): Promise<void> {
  if (file === undefined || existsSync(file)) return
  const { masterKeysFromFile } = await import('../../../shared/protection/master-key.ts')
  await masterKeysFromFile(file).create()
}

function egressNotices({ annotations }: Deployment): string[] {
  const egress = annotations[EGRESS_ANNOTATION]?.trim()
  return egress === undefined || egress === 'none'
    ? []
    : [`egress is not restricted to ${egress}: Docker can only allow all egress or none`]
}

/** Resumes a paused container of this version; undefined when none answers. */
async function resumePaused(
  { version }: Release,
  { pausedPool, remove }: DockerDependencies,
): Promise<Replica | undefined> {
  const resumed = await pausedPool.resume(version)
  if (!resumed || (await respondsAgain(resumed.origin))) return resumed
  await remove(resumed)
  return undefined
}

async function startContainer(
  release: Release,
  dependencies: DockerDependencies,
  onOriginAssigned?: (origin: string) => void,
): Promise<Replica> {
  const { options, provider, secrets, containers, resolveNetwork, remove } = dependencies
  const { deployment } = release
  const id = `${deployment.name}-${randomBytes(4).toString('hex')}`
  const network = await resolveNetwork(deployment)
  const mounted = await mountSecrets(id, deployment, options, secrets)
  const container = await containers
    .create({ ...options, instance: id, release, provider, network, ...mounted })
    .catch(async cause => {
      await secrets.unmount(id)
      throw cause
    })
  const replica = { id, origin: '', handle: { container: container.id } }
  try {
    replica.origin = await containers.start(container, network)
    onOriginAssigned?.(replica.origin)
    await untilContainerReady(container, replica, containers)
    return replica
  } catch (error) {
    await remove(replica)
    throw error
  }
}

async function untilContainerReady(
  container: Docker.Container,
  { origin }: Replica,
  containers: ReplicaContainers,
): Promise<void> {
  const abort = new AbortController()
  const ended = container.wait({ abortSignal: abort.signal }).then(
    ({ StatusCode }: { StatusCode: number }) => StatusCode,
    () => undefined,
  )
  try {
    await untilReady({ origin, ended, tail: () => containers.tail(container) })
  } finally {
    abort.abort()
  }
}

/**
 * Mounts a folder with a replica's secrets and the master key. Returns it with the variable that names the key's file.
 */
async function mountSecrets(
  replicaId: string,
  deployment: Deployment,
  { masterKeyFile, environment }: DockerOptions,
  secrets: MountedSecrets,
) {
  if (masterKeyFile === undefined && deployment.secrets.length === 0) return { secrets: undefined }
  const keyFiles: Record<string, string> =
    masterKeyFile === undefined ? {} : { [MASTER_KEY_FILE]: masterKeyFile }
  const keyVariable = { LARES_MASTER_KEY_FILE: `${SECRETS_PATH}/${MASTER_KEY_FILE}` }
  return {
    secrets: await secrets.mount(replicaId, deployment.secrets, keyFiles),
    environment: { ...environment, ...(masterKeyFile !== undefined && keyVariable) },
  }
}

/** Keeps paused containers of current versions, and removes all other containers that are not among these replicas. */
async function stopOrphans(
  replicas: Replica[],
  versions: string[],
  { options, containers, pausedPool, remove }: DockerDependencies,
): Promise<void> {
  const keptContainerIds = new Set(replicas.map(({ handle }) => handle.container))
  for (const { replica, version, isPaused } of await containers.list()) {
    if (keptContainerIds.has(replica.handle.container)) continue
    if (isPaused && versions.includes(version)) await pausedPool.adopt(replica, version)
    else {
      options.log.warn({ instance: replica.id }, `${replica.id} is left from an earlier run and is removed`)
      await remove(replica)
    }
  }
}
