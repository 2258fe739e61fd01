import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../shared/base/log.ts'
import { masterKeysIn, textsOrMade } from '../../shared/protection/master-key.ts'
import { madeSecret, writeOnce } from '../setup/generated-secret.ts'
import { buildProvider } from './api/api.ts'
import { startAutoscaler } from './autoscaler.ts'
import type { Backend, DeployedFunction } from './backend.ts'
import { NAMESPACE } from './deployment.ts'
import type { DockerOptions } from './docker/docker.ts'
import { openFleet } from './fleet/fleet.ts'
import type { InstanceDriver } from './fleet/instances.ts'
import { openCluster } from './knative/cluster.ts'
import { openKnative } from './knative/knative.ts'
import { nodeLabels } from './nodes.ts'
import { openProcessDriver } from './process/process.ts'
import { openStore, type Store } from './store.ts'

export type ProviderOptions = {
  backend: 'process' | 'docker' | 'knative'
  /** 127.0.0.1 unless said otherwise. */
  host?: string
  port: number
  /** The data directory; the provider's own is `provider` in it. */
  home: string
  /** The checkout whose handlers are run. */
  root: string
  password?: string
  labels: Map<string, string>
  spares: number
  environment: NodeJS.ProcessEnv
  docker?: Partial<Pick<DockerOptions, 'network' | 'pausedBytes' | 'shared' | 'masterKeyFile'>>
  version: string
  log: Log
  lagOf?: (one: DeployedFunction) => Promise<number | undefined>
}

export type StartedProvider = {
  url: string
  backend: Backend
  close(options: { stopFunctions: boolean }): Promise<void>
}

/** Opens the backend, finds again what runs, and serves. Errors: `invalid_config`, `unavailable`. */
export async function startProvider(options: ProviderOptions): Promise<StartedProvider> {
  const { log, home } = options
  const folder = join(home, 'provider')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const store = openStore(join(folder, 'provider.db'))
  const password = options.password ?? (await madePassword(folder))
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
    async close(how) {
      await autoscaler?.close()
      backend.endWaiting?.()
      await provider.close()
      await backend.close(how)
      store.close()
    },
  }
}

async function openBackend(options: ProviderOptions, folder: string, store: Store): Promise<Backend> {
  const { log } = options
  if (options.backend !== 'knative') {
    const driver = await openDriver(options, folder, nodeLabels(options.labels))
    return await openFleet({ driver, store, log })
  }
  const environment = {
    ...functionEnvironment(options.environment),
    ...(await masterKeyIn(options.docker?.masterKeyFile)),
  }
  const cluster = await openCluster(NAMESPACE)
  return await openKnative({ cluster, environment, log }).catch(async error => {
    await cluster.close()
    throw error
  })
}

/** Docker's client is only loaded where it is used. */
async function openDriver(
  options: ProviderOptions,
  folder: string,
  labels: Map<string, string>,
): Promise<InstanceDriver> {
  if (options.backend === 'process') return await openProcessDriver({ ...options, folder, labels })
  const { openDockerDriver } = await import('./docker/docker.ts')
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

/** A pod has no file of this machine, so it gets the key itself. */
async function masterKeyIn(file: string | undefined): Promise<Record<string, string>> {
  return file === undefined ? {} : { LARES_MASTER_KEY: (await textsOrMade(masterKeysIn(file))).join(',') }
}

/** What a container is told of where the provider itself was told: of services, not of this machine's folders and ports. */
const TOLD =
  /^(DATABASE_|QDRANT_|S3_|OPENAI_|LARES_(MODEL|EMBEDDING_MODEL|LOG_LEVEL|BUS|PROTECTION|MASTER_KEY)$|TZ$)/

const functionEnvironment = (all: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(
    Object.entries(all).filter((one): one is [string, string] => TOLD.test(one[0]) && one[1] !== undefined),
  )

/** Where no password is given there is one all the same, made once, that only the owner of the data can read. */
async function madePassword(folder: string): Promise<string> {
  const file = join(folder, 'password')
  await writeOnce(file, madeSecret())
  return await readFile(file, 'utf8')
}
