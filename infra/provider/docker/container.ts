import { createHash } from 'node:crypto'
import type { ContainerCreateOptions } from 'dockerode'
import { limitsOf } from '../deployment.ts'
import type { Release } from '../fleet/replica.ts'

/** The folder in which OpenFaaS's functions find their secrets. */
export const SECRETS_PATH = '/var/openfaas/secrets'
export const FUNCTION_PORT = 8080
/** The runtime drains for 30 s at most. */
export const STOP_TIMEOUT_S = 35
const MAX_PIDS = 256
const TMP_BYTES = 64 * 1024 * 1024
const NANO_CPUS_PER_CORE = 1e9
/** Docker's own weight of one core. */
const CPU_SHARES_PER_CORE = 1_024

/** The labels by which the provider finds a container again. */
export const LABELS = {
  provider: 'com.lares.provider',
  function: 'com.lares.function',
  version: 'com.lares.version',
  instance: 'com.lares.instance',
} as const

/** Identifies the provider that keeps its data in `folder`, so that it finds its own containers. */
export const providerIdOf = (folder: string): string =>
  createHash('sha256').update(folder).digest('hex').slice(0, 12)

export type ContainerOptions = {
  instance: string
  release: Release
  /** The provider that owns the container. */
  provider: string
  network: string
  /** Variables of every function's environment. */
  environment: Record<string, string>
  /** The folder with the secrets of this replica; undefined when it declares none. */
  secrets: string | undefined
  shared: SharedFolder[]
}

/** A folder of this machine that a function sees read-only at `target`, and the variable with its path. */
export type SharedFolder = { source: string; target: string; variable: Record<string, string> }

/**
 * A container with only the rights that a function needs. It writes only to /tmp (when its root is read-only), and has
 * and gains no capabilities. It publishes no port, because the provider reaches it by its address.
 */
export function containerCreateOptions(options: ContainerOptions): ContainerCreateOptions {
  const { instance, release, provider, network, secrets, shared } = options
  const { deployment, content, version } = release
  const { memoryBytes, cpus, gpus } = limitsOf(deployment)
  const requested = limitsOf({ ...deployment, limits: deployment.requests, annotations: {} })
  return {
    name: `lares-${instance}`,
    Image: content,
    Env: Object.entries(environmentOf(options)).map(([name, value]) => `${name}=${value}`),
    Labels: {
      [LABELS.provider]: provider,
      [LABELS.function]: deployment.name,
      [LABELS.version]: version,
      [LABELS.instance]: instance,
    },
    // The provider checks the function itself, and a check inside the container costs a process each time.
    Healthcheck: { Test: ['NONE'] },
    StopTimeout: STOP_TIMEOUT_S,
    HostConfig: {
      NetworkMode: network,
      ExtraHosts: ['host.docker.internal:host-gateway'],
      ReadonlyRootfs: deployment.readOnly,
      Tmpfs: { '/tmp': `rw,noexec,nosuid,nodev,size=${TMP_BYTES},mode=1777` },
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      PidsLimit: MAX_PIDS,
      // The same value as for memory, so there is no swap.
      ...(memoryBytes !== undefined && {
        Memory: Math.floor(memoryBytes),
        MemorySwap: Math.floor(memoryBytes),
      }),
      ...(requested.memoryBytes !== undefined && { MemoryReservation: Math.floor(requested.memoryBytes) }),
      ...(cpus !== undefined && { NanoCpus: Math.round(cpus * NANO_CPUS_PER_CORE) }),
      ...(requested.cpus !== undefined && {
        CpuShares: Math.max(2, Math.round(requested.cpus * CPU_SHARES_PER_CORE)),
      }),
      ...(gpus && { DeviceRequests: [{ Count: gpus, Capabilities: [['gpu']] }] }),
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '2' } },
      Mounts: [
        ...(secrets === undefined ? [] : [readOnlyMount(secrets, SECRETS_PATH)]),
        ...shared.map(({ source, target }) => readOnlyMount(source, target)),
      ],
    },
  }
}

function environmentOf({ release, environment, shared }: ContainerOptions): Record<string, string> {
  const { deployment } = release
  return {
    ...environment,
    ...Object.assign({}, ...shared.map(({ variable }) => variable)),
    // of-watchdog reads this variable, in images that contain it.
    ...(deployment.process !== undefined && { fprocess: deployment.process }),
    ...deployment.environment,
    LARES_SECRETS: SECRETS_PATH,
  }
}

const readOnlyMount = (source: string, target: string) => ({
  Type: 'bind' as const,
  Source: source,
  Target: target,
  ReadOnly: true,
})
