import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import Docker from 'dockerode'
import { request } from 'undici'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Logger } from '../../../shared/base/log.ts'
import type { Deployment } from '../deployment.ts'
import { EGRESS_ANNOTATION } from '../egress.ts'
import type { Release, Replica, ReplicaDriver } from '../fleet/replica.ts'
import { checkConstraints, checkSecrets } from '../nodes.ts'
import {
  containerCreateOptions,
  FUNCTION_PORT,
  LABELS,
  providerIdOf,
  SECRETS_PATH,
  type SharedFolder,
  STOP_TIMEOUT_S,
} from './container.ts'
import { dockerErrorMessage } from './docker-error.ts'
import { pullImage } from './images.ts'
import { demultiplexLog, openDockerLogReader } from './logs.ts'
import { ipAddressOf, openNetworkResolver } from './network.ts'
import { openPausedPool } from './paused-pool.ts'
import { openMountedSecrets } from './secrets.ts'
import { usageOf } from './usage.ts'

const START_TIMEOUT_MS = 60_000
const RESPONSE_TIMEOUT_MS = 2_000
const MIN_POLL_INTERVAL_MS = 2
const MAX_POLL_INTERVAL_MS = 100
const TAIL_BYTES = 1_000
const MASTER_KEY_FILE = 'lares-master-key'

export type DockerOptions = {
  /** Where secrets are kept. */
  folder: string
  labels: Map<string, string>
  /** What every function's environment has. */
  environment: Record<string, string>
  /** Folders of this machine that every function sees, read-only. */
  shared: SharedFolder[]
  /** The file with the key of what is kept encrypted, which every function needs to read it; undefined: there is none. */
  masterKeyFile: string | undefined
  /** An existing network to be used, or undefined for one of the provider's own. */
  network: string | undefined
  /** How much memory paused containers may hold; 0: none are kept. */
  pausedBytes: number
  log: Logger
}

/**
 * Runs a replica as a container of the Docker daemon at DOCKER_HOST (by default the socket of this machine). Containers
 * outlive the provider and are found again by their labels. Errors: `unavailable` when there is no daemon.
 */
export async function openDockerDriver(options: DockerOptions): Promise<ReplicaDriver> {
  const { folder, labels, log } = options
  const docker = new Docker()
  await docker.ping().catch(cause => {
    throw new LaresError(
      'unavailable',
      `no Docker daemon answers (${cause.message}); start dockerd, or set DOCKER_HOST`,
      { cause },
    )
  })
  if (options.masterKeyFile !== undefined && !existsSync(options.masterKeyFile)) {
    // Whoever starts first makes it, and that may be a provider.
    const { masterKeysFromFile } = await import('../../../shared/protection/master-key.ts')
    await masterKeysFromFile(options.masterKeyFile).create()
  }
  const provider = providerIdOf(folder)
  const secrets = await openMountedSecrets(folder)
  const resolveNetwork = openNetworkResolver(docker, options.network)
  const containerFor = ({ handle }: Replica) => docker.getContainer(String(handle.container))
  const pausedPool = openPausedPool({
    budgetBytes: options.pausedBytes,
    pause: instance => containerFor(instance).pause(),
    unpause: instance => containerFor(instance).unpause(),
    end: removeReplica,
    memoryOf: async instance => (await usageOf(containerFor(instance))).memoryBytes,
    log,
  })

  async function check(deployment: Deployment): Promise<string[]> {
    checkConstraints(deployment, labels)
    checkSecrets(deployment, await secrets.list())
    const egress = deployment.annotations[EGRESS_ANNOTATION]?.trim()
    return egress === undefined || egress === 'none'
      ? []
      : [`egress is not restricted to ${egress}: Docker knows all or none`]
  }

  async function start(release: Release, onOriginAssigned?: (origin: string) => void): Promise<Replica> {
    const resumed = await pausedPool.resume(release.version)
    if (resumed && (await becomesReady(resumed))) return resumed
    if (resumed) await removeReplica(resumed)
    const { deployment } = release
    const id = `${deployment.name}-${randomBytes(4).toString('hex')}`
    const network = await resolveNetwork(deployment)
    const containerOptions = {
      ...options,
      instance: id,
      release,
      provider,
      network,
      ...(await secretsFor(id, deployment)),
    }
    const container = await docker
      .createContainer(containerCreateOptions(containerOptions))
      .catch(async cause => {
        await secrets.unmount(id)
        return throwDockerError(cause)
      })
    const instance = { id, origin: '', handle: { container: container.id } }
    try {
      await container.start().catch(cause => throwDockerError(cause))
      const address = await ipAddressOf(container, network)
      if (address === undefined)
        throw new LaresError('unavailable', `it ended: ${await containerTail(container)}`)
      instance.origin = originAt(address)
      onOriginAssigned?.(instance.origin)
      await untilReady(instance)
      return instance
    } catch (error) {
      await removeReplica(instance)
      throw error
    }
  }

  async function secretsFor(instance: string, deployment: Deployment) {
    const { masterKeyFile, environment } = options
    const hasKey = masterKeyFile !== undefined
    if (deployment.secrets.length === 0 && !hasKey) return { secrets: undefined }
    const key: Record<string, string> = hasKey ? { [MASTER_KEY_FILE]: masterKeyFile } : {}
    return {
      secrets: await secrets.mount(instance, deployment.secrets, key),
      environment: {
        ...environment,
        ...(hasKey && { LARES_MASTER_KEY_FILE: `${SECRETS_PATH}/${MASTER_KEY_FILE}` }),
      },
    }
  }

  async function untilReady(instance: Replica): Promise<void> {
    const container = containerFor(instance)
    const abort = new AbortController()
    const ended = container.wait({ abortSignal: abort.signal }).then(
      ({ StatusCode }: { StatusCode: number }) => StatusCode,
      () => undefined,
    )
    let exitCode: number | undefined
    void ended.then(statusCode => {
      exitCode = statusCode
    })
    const deadline = performance.now() + START_TIMEOUT_MS
    try {
      for (
        let pollIntervalMs = MIN_POLL_INTERVAL_MS;
        ;
        pollIntervalMs = Math.min(pollIntervalMs * 1.05, MAX_POLL_INTERVAL_MS)
      ) {
        // Of a container that has ended there is no address, and a connection to it would wait for long.
        if (
          exitCode === undefined &&
          (await Promise.race([isReady(instance.origin), ended.then(() => false)]))
        )
          return
        if (exitCode !== undefined)
          throw new LaresError('unavailable', `it ended with ${exitCode}: ${await containerTail(container)}`)
        if (performance.now() > deadline)
          throw new LaresError('unavailable', `it was not ready within ${START_TIMEOUT_MS / 1_000} s`)
        await Promise.race([wait(pollIntervalMs), ended])
      }
    } finally {
      abort.abort()
    }
  }

  const becomesReady = async ({ origin }: Replica) => {
    const deadline = performance.now() + RESPONSE_TIMEOUT_MS
    while (performance.now() < deadline) {
      if (await isReady(origin)) return true
      await wait(MIN_POLL_INTERVAL_MS)
    }
    return false
  }

  const containerTail = async (container: Docker.Container): Promise<string> => {
    const raw = await container.logs({ stdout: true, stderr: true, tail: 20 })
    return demultiplexLog(raw).trim().slice(-TAIL_BYTES)
  }

  const isRunning = async (instance: Replica): Promise<boolean> => {
    try {
      const { State, NetworkSettings } = await containerFor(instance).inspect()
      // One that was started again by somebody else may have got another address.
      const origins = Object.values(NetworkSettings.Networks).map(({ IPAddress }) => originAt(IPAddress))
      return State.Running && !State.Paused && origins.includes(instance.origin)
    } catch (error) {
      // While the daemon is away nobody knows, and its containers may well run.
      return (error as { statusCode?: number }).statusCode !== 404
    }
  }

  /** SIGTERM, time to finish, and then no container is left. */
  async function removeReplica(instance: Replica): Promise<void> {
    const container = containerFor(instance)
    await container.unpause().catch(ignoreAlreadyDone)
    await container.stop({ t: STOP_TIMEOUT_S }).catch(ignoreAlreadyDone)
    await container.remove({ force: true, v: true }).catch(ignoreAlreadyDone)
    await secrets.unmount(instance.id)
  }

  const removeReplicas = (instances: Replica[]) =>
    Promise.all(instances.map(removeReplica)).then(() => undefined)

  return {
    name: 'docker',
    check,
    contentDigestOf: deployment => pullImage(docker, deployment, log),
    start,
    isRunning,
    stop: removeReplica,
    pause: (instance, { version }) => pausedPool.add(instance, version).catch(() => removeReplica(instance)),
    stopPaused: version => removeReplicas(pausedPool.removeWhere(one => one === version)),
    async stopOrphans(instances, versions) {
      const keptContainerIds = new Set(instances.map(({ handle }) => handle.container))
      const ownContainers = await docker.listContainers({
        all: true,
        filters: { label: [`${LABELS.provider}=${provider}`] },
      })
      for (const { Id, Labels, State, NetworkSettings } of ownContainers) {
        if (keptContainerIds.has(Id)) continue
        const [network] = Object.values(NetworkSettings.Networks)
        const origin = originAt(network?.IPAddress)
        const instance = { id: Labels[LABELS.instance]!, origin, handle: { container: Id } }
        const version = Labels[LABELS.version]!
        if (State === 'paused' && versions.includes(version)) await pausedPool.adopt(instance, version)
        else {
          log.warn({ instance: instance.id }, `${instance.id} is left over and is ended`)
          await removeReplica(instance)
        }
      }
    },
    usage: async instance => await usageOf(containerFor(instance)).catch(() => undefined),
    secrets,
    logs: openDockerLogReader(docker, provider),
    cleanUp: async () => undefined,
    async close({ stopFunctions }) {
      if (stopFunctions) await removeReplicas(pausedPool.removeWhere(() => true))
    },
  }
}

/** One that speaks another contract has no such page: that it answers is enough. */
async function isReady(origin: string): Promise<boolean> {
  const response = await request(`${origin}/_/ready`, { headersTimeout: RESPONSE_TIMEOUT_MS }).catch(
    () => undefined,
  )
  await response?.body.dump()
  return response !== undefined && (response.statusCode < 300 || response.statusCode === 404)
}

const originAt = (address: string | undefined): string => `http://${address}:${FUNCTION_PORT}`

/** Already so, or already gone: what was wanted. */
function ignoreAlreadyDone(error: Error & { statusCode?: number }): void {
  if ([304, 404, 409].includes(error.statusCode ?? 0) || /is not paused/.test(error.message)) return
  throw error
}

function throwDockerError(cause: Error): never {
  throw new LaresError('unavailable', `Docker refuses it: ${dockerErrorMessage(cause)}`, { cause })
}
