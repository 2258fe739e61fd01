import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import Docker from 'dockerode'
import { request } from 'undici'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Log } from '../../../shared/base/log.ts'
import type { Deployment } from '../deployment.ts'
import { EGRESS } from '../egress.ts'
import type { Instance, InstanceDriver, Release } from '../fleet/instances.ts'
import { checkConstraints, checkSecrets } from '../nodes.ts'
import {
  containerOf,
  FUNCTION_PORT,
  LABELS,
  providerOf,
  SECRETS,
  type SharedFolder,
  STOP_LIMIT_S,
} from './container.ts'
import { dockerSaid } from './container-tail.ts'
import { pulled } from './images.ts'
import { openDockerLogs, unframed } from './logs.ts'
import { addressOf, networkFor } from './network.ts'
import { openResting } from './paused-pool.ts'
import { openMountedSecrets } from './secrets.ts'
import { usageOf } from './usage.ts'

const START_LIMIT_MS = 60_000
const ANSWER_LIMIT_MS = 2_000
const LOOK_EVERY_MS = 2
const LOOK_AT_MOST_EVERY_MS = 100
const TOLD_BYTES = 1_000
const MASTER_KEY = 'lares-master-key'

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
  log: Log
}

/**
 * Runs a replica as a container of the Docker daemon at DOCKER_HOST (by default the socket of this machine). Containers
 * outlive the provider and are found again by their labels. Errors: `unavailable` when there is no daemon.
 */
export async function openDockerDriver(options: DockerOptions): Promise<InstanceDriver> {
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
    const { masterKeysIn } = await import('../../../shared/protection/master-key.ts')
    await masterKeysIn(options.masterKeyFile).make()
  }
  const provider = providerOf(folder)
  const secrets = await openMountedSecrets(folder)
  const networkOf = networkFor(docker, options.network)
  const containerFor = ({ handle }: Instance) => docker.getContainer(String(handle.container))
  const resting = openResting({
    budgetBytes: options.pausedBytes,
    pause: instance => containerFor(instance).pause(),
    unpause: instance => containerFor(instance).unpause(),
    end: remove,
    memoryOf: async instance => (await usageOf(containerFor(instance))).memoryBytes,
    log,
  })

  async function check(deployment: Deployment): Promise<string[]> {
    checkConstraints(deployment, labels)
    checkSecrets(deployment, await secrets.list())
    const egress = deployment.annotations[EGRESS]?.trim()
    return egress === undefined || egress === 'none'
      ? []
      : [`egress is not restricted to ${egress}: Docker knows all or none`]
  }

  async function start(release: Release, placed?: (origin: string) => void): Promise<Instance> {
    const woken = await resting.take(release.version)
    if (woken && (await answersSoon(woken))) return woken
    if (woken) await remove(woken)
    const { deployment } = release
    const id = `${deployment.name}-${randomBytes(4).toString('hex')}`
    const network = await networkOf(deployment)
    const parts = {
      ...options,
      instance: id,
      release,
      provider,
      network,
      ...(await secretsFor(id, deployment)),
    }
    const container = await docker.createContainer(containerOf(parts)).catch(async cause => {
      await secrets.unmount(id)
      return refuse(cause)
    })
    const instance = { id, origin: '', handle: { container: container.id } }
    try {
      await container.start().catch(cause => refuse(cause))
      const address = await addressOf(container, network)
      if (address === undefined)
        throw new LaresError('unavailable', `it ended: ${await lastLines(container)}`)
      instance.origin = originAt(address)
      placed?.(instance.origin)
      await untilReady(instance)
      return instance
    } catch (error) {
      await remove(instance)
      throw error
    }
  }

  async function secretsFor(instance: string, deployment: Deployment) {
    const { masterKeyFile, environment } = options
    const hasKey = masterKeyFile !== undefined
    if (deployment.secrets.length === 0 && !hasKey) return { secrets: undefined }
    const key: Record<string, string> = hasKey ? { [MASTER_KEY]: masterKeyFile } : {}
    return {
      secrets: await secrets.mount(instance, deployment.secrets, key),
      environment: { ...environment, ...(hasKey && { LARES_MASTER_KEY_FILE: `${SECRETS}/${MASTER_KEY}` }) },
    }
  }

  async function untilReady(instance: Instance): Promise<void> {
    const container = containerFor(instance)
    const over = new AbortController()
    const ended = container.wait({ abortSignal: over.signal }).then(
      ({ StatusCode }: { StatusCode: number }) => StatusCode,
      () => undefined,
    )
    let code: number | undefined
    void ended.then(told => {
      code = told
    })
    const deadline = performance.now() + START_LIMIT_MS
    try {
      for (let pauseMs = LOOK_EVERY_MS; ; pauseMs = Math.min(pauseMs * 1.05, LOOK_AT_MOST_EVERY_MS)) {
        // Of a container that has ended there is no address, and a connection to it would wait for long.
        if (code === undefined && (await Promise.race([isReady(instance.origin), ended.then(() => false)])))
          return
        if (code !== undefined)
          throw new LaresError('unavailable', `it ended with ${code}: ${await lastLines(container)}`)
        if (performance.now() > deadline)
          throw new LaresError('unavailable', `it was not ready within ${START_LIMIT_MS / 1_000} s`)
        await Promise.race([wait(pauseMs), ended])
      }
    } finally {
      over.abort()
    }
  }

  const answersSoon = async ({ origin }: Instance) => {
    const until = performance.now() + ANSWER_LIMIT_MS
    while (performance.now() < until) {
      if (await isReady(origin)) return true
      await wait(LOOK_EVERY_MS)
    }
    return false
  }

  const lastLines = async (container: Docker.Container): Promise<string> => {
    const raw = await container.logs({ stdout: true, stderr: true, tail: 20 })
    return unframed(raw).trim().slice(-TOLD_BYTES)
  }

  const isRunning = async (instance: Instance): Promise<boolean> => {
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
  async function remove(instance: Instance): Promise<void> {
    const container = containerFor(instance)
    await container.unpause().catch(passOver)
    await container.stop({ t: STOP_LIMIT_S }).catch(passOver)
    await container.remove({ force: true, v: true }).catch(passOver)
    await secrets.unmount(instance.id)
  }

  const removeAll = (instances: Instance[]) => Promise.all(instances.map(remove)).then(() => undefined)

  return {
    name: 'docker',
    check,
    contentOf: deployment => pulled(docker, deployment, log),
    start,
    isRunning,
    stop: remove,
    rest: (instance, { version }) => resting.keep(instance, version).catch(() => remove(instance)),
    endResting: version => removeAll(resting.remove(one => one === version)),
    async endStrays(instances, versions) {
      const kept = new Set(instances.map(({ handle }) => handle.container))
      const mine = await docker.listContainers({
        all: true,
        filters: { label: [`${LABELS.provider}=${provider}`] },
      })
      for (const { Id, Labels, State, NetworkSettings } of mine) {
        if (kept.has(Id)) continue
        const [network] = Object.values(NetworkSettings.Networks)
        const origin = originAt(network?.IPAddress)
        const instance = { id: Labels[LABELS.instance]!, origin, handle: { container: Id } }
        const version = Labels[LABELS.version]!
        if (State === 'paused' && versions.includes(version)) await resting.found(instance, version)
        else {
          log.warn({ instance: instance.id }, `${instance.id} is left over and is ended`)
          await remove(instance)
        }
      }
    },
    usage: async instance => await usageOf(containerFor(instance)).catch(() => undefined),
    secrets,
    logs: openDockerLogs(docker, provider),
    forget: async () => undefined,
    async close({ stopFunctions }) {
      if (stopFunctions) await removeAll(resting.remove(() => true))
    },
  }
}

/** One that speaks another contract has no such page: that it answers is enough. */
async function isReady(origin: string): Promise<boolean> {
  const answer = await request(`${origin}/_/ready`, { headersTimeout: ANSWER_LIMIT_MS }).catch(
    () => undefined,
  )
  await answer?.body.dump()
  return answer !== undefined && (answer.statusCode < 300 || answer.statusCode === 404)
}

const originAt = (address: string | undefined): string => `http://${address}:${FUNCTION_PORT}`

/** Already so, or already gone: what was wanted. */
function passOver(error: Error & { statusCode?: number }): void {
  if ([304, 404, 409].includes(error.statusCode ?? 0) || /is not paused/.test(error.message)) return
  throw error
}

function refuse(cause: Error): never {
  throw new LaresError('unavailable', `Docker refuses it: ${dockerSaid(cause)}`, { cause })
}
