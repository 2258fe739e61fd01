import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../shared/base/log.ts'
import { loadOptional } from '../../shared/base/optional-package.ts'
import { masterKeysFromFile, readOrCreateMasterKeyTexts } from '../../shared/protection/master-key.ts'
import { generateSecret, writeIfAbsent } from '../setup/generated-secret.ts'
import { buildProvider } from './api/api.ts'
import type { Backend, DeployedFunction } from './backend.ts'
import { NAMESPACE } from './deployment.ts'
import type { DockerOptions } from './docker/docker.ts'
import type { ReplicaDriver } from './fleet/replica.ts'
import { openReplicaSetBackend } from './fleet/replica-set-backend.ts'
import { openCluster } from './knative/cluster.ts'
import { openKnativeBackend } from './knative/knative.ts'
import { nodeLabels } from './nodes.ts'
import { openProcessDriver } from './process/process.ts'
import { startAutoscaler } from './scaling/autoscaler.ts'
import { openProviderStore, type ProviderStore } from './store.ts'

export type ProviderOptions = {
  backend: 'process' | 'docker' | 'knative'
  /** Default: 127.0.0.1. */
  host?: string
  port: number
  /** The data directory; the provider keeps its own data in `provider` below it. */
  home: string
  /** The checkout with the handlers. */
  root: string
  /** Folders with the operator's own skills, for the process backend; default: none. */
  skillFolders?: readonly string[]
  password?: string
  labels: Map<string, string>
  prewarmed: number
  environment: NodeJS.ProcessEnv
  docker?: Partial<Pick<DockerOptions, 'network' | 'pausedBytes' | 'shared' | 'masterKeyFile'>>
  version: string
  log: Logger
  lagOf?: (one: DeployedFunction) => Promise<number | undefined>
}

export type StartedProvider = {
  url: string
  backend: Backend
  close(options: { stopFunctions: boolean }): Promise<void>
}

/** Opens the backend, finds the functions that run, and serves the API. Errors: `invalid_config`, `unavailable`. */
export async function startProvider(options: ProviderOptions): Promise<StartedProvider> {
  const { log, home } = options
  const folder = join(home, 'provider')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const store = openProviderStore(join(folder, 'provider.db'))
  const password = options.password ?? (await ensurePassword(folder))
  const backend = await openBackend(options, folder, store)
  const provider = await buildProvider({ backend, store, password, version: options.version, log })
  const autoscaler =
    backend.scaledBy === 'provider'
      ? startAutoscaler({ backend, log, ...(options.lagOf && { lagOf: options.lagOf }) })
      : undefined
  const url = await provider.listen(options.host ?? '127.0.0.1', options.port)
  return {
    url,
    backend,
    async close(closeOptions) {
      await autoscaler?.close()
      backend.abortRollouts?.()
      await provider.close()
      await backend.close(closeOptions)
      store.close()
    },
  }
}

async function openBackend(options: ProviderOptions, folder: string, store: ProviderStore): Promise<Backend> {
  const { log } = options
  if (options.backend !== 'knative') {
    const driver = await openDriver(options, folder, nodeLabels(options.labels))
    return await openReplicaSetBackend({ driver, store, log })
  }
  const environment = {
    ...functionEnvironment(options.environment),
    ...(await masterKeyEnvironment(options.docker?.masterKeyFile)),
  }
  const cluster = await openCluster(NAMESPACE)
  return await openKnativeBackend({ cluster, environment, log }).catch(async error => {
    await cluster.close()
    throw error
  })
}

/** Loads Docker's client only for the Docker backend. */
async function openDriver(
  options: ProviderOptions,
  folder: string,
  labels: Map<string, string>,
): Promise<ReplicaDriver> {
  if (options.backend === 'process')
    return await openProcessDriver({ skillFolders: [], ...options, folder, labels })
  const { openDockerDriver } = await loadOptional(() => import('./docker/docker.ts'))
  return await openDockerDriver({
    network: undefined,
    pausedBytes: 0,
    shared: [],
    masterKeyFile: undefined,
    ...options.docker,
    folder,
    labels,
    environment: functionEnvironment(options.environment),
    log: options.log,
  })
}

/** A pod has no access to files of this machine, so it gets the key itself. */
async function masterKeyEnvironment(file: string | undefined): Promise<Record<string, string>> {
  return file === undefined
    ? {}
    : { LARES_MASTER_KEY: (await readOrCreateMasterKeyTexts(masterKeysFromFile(file))).join(',') }
}

/**
 * The variables that containers get from the provider's environment: addresses of services, no folders or ports of this
 * machine.
 */
const FORWARDED_VARIABLES =
  /^(DATABASE_|QDRANT_|S3_|OPENAI_|LARES_(MODEL|EMBEDDING_MODEL|LOG_LEVEL|BUS|PROTECTION|MASTER_KEY)$|TZ$)/

const functionEnvironment = (all: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(
    Object.entries(all).filter(
      (one): one is [string, string] => FORWARDED_VARIABLES.test(one[0]) && one[1] !== undefined,
    ),
  )

/** Generates a password once when none is configured; only the owner of the data can read its file. */
async function ensurePassword(folder: string): Promise<string> {
  const file = join(folder, 'password')
  await writeIfAbsent(file, generateSecret())
  return await readFile(file, 'utf8')
}
