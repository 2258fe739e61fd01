import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LaresError } from '../../shared/base/errors.ts'
import { readOptions } from '../../shared/base/options.ts'
import { type Environment, readEnvironment } from '../../shared/config/environment.ts'
import { functionGroup } from '../../shared/contract/consumer-groups.ts'
import { parseTopics } from '../../shared/contract/stack.ts'
import { type Drivers, openDrivers } from '../../shared/host/drivers.ts'
import { runProcess } from '../../shared/host/process.ts'
import { openLogger } from '../../shared/observability/pino-log.ts'
import type { DeployedFunction } from './backend.ts'
import type { SharedFolder } from './docker/container.ts'
import { startProvider } from './start.ts'

const ROOT = join(import.meta.dirname, '..', '..')

const USAGE = 'npm run provider -- [--backend process|docker|knative] [--stop-functions]'

/** `npm run provider -- --backend process|docker|knative`: OpenFaaS's REST API in front of functions. */
await runProcess(async () => {
  const values = readOptions(USAGE, {
    backend: { type: 'string', default: 'process' },
    'stop-functions': { type: 'boolean', default: false },
  })
  const { backend } = values
  if (backend !== 'process' && backend !== 'docker' && backend !== 'knative')
    throw new LaresError(
      'invalid_config',
      `--backend ${backend} is not known; there are process, docker and knative`,
    )
  const environment = readEnvironment(process.env)
  const { host, port, password, nodeLabels, prewarmed, network, pausedBytes } = environment.provider
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const log = openLogger('provider', environment.logLevel)
  const drivers = openDrivers(environment, log)
  const provider = await startProvider({
    backend,
    host,
    port,
    home: environment.dataDirectory,
    root: ROOT,
    skillFolders: environment.skillFolders,
    labels: nodeLabels,
    prewarmed,
    environment: process.env,
    docker: {
      network,
      pausedBytes,
      shared: sharedFoldersOf(environment),
      masterKeyFile: masterKeyFileOf(environment),
    },
    version,
    log,
    ...(environment.bus === 'kafka' && { lagOf: await openLagReader(drivers) }),
    ...(password !== undefined && { password }),
  })
  const where =
    password === undefined ? join(environment.dataDirectory, 'provider', 'password') : 'PROVIDER_PASSWORD'
  process.stdout.write(
    `${provider.url} takes functions: faas-cli login -g ${provider.url} (the password is in ${where})\n`,
  )
  return async () => {
    const stopFunctions = values['stop-functions']
    const running = provider.backend.list().filter(({ availableReplicas }) => availableReplicas > 0).length
    await provider.close({ stopFunctions })
    await drivers.close()
    if (running > 0 && !stopFunctions)
      process.stdout.write(`${running} functions go on running; the next start finds them\n`)
  }
})

/** The configuration, and the downloaded models: a container uses those of this machine. */
function sharedFoldersOf({ configDirectory, cacheDirectory }: Environment): SharedFolder[] {
  const folders: SharedFolder[] = [
    { source: configDirectory, target: '/etc/lares', variable: { LARES_CONFIG: '/etc/lares' } },
    {
      source: join(cacheDirectory, 'models'),
      target: '/var/cache/lares/models',
      variable: { LARES_CACHE: '/var/cache/lares' },
    },
  ]
  return folders.filter(({ source }) => existsSync(source))
}

function masterKeyFileOf({ masterKey }: Environment): string | undefined {
  return masterKey && 'file' in masterKey ? masterKey.file : undefined
}

/** Reads a group's lag on Kafka. The embedded log belongs to another process, so its lag is not known here. */
async function openLagReader(drivers: Drivers): Promise<(one: DeployedFunction) => Promise<number>> {
  const bus = await drivers.bus()
  return async ({ deployment: { name, annotations } }) => {
    const partitions = await bus.lag(functionGroup(name), parseTopics(annotations.topic))
    return partitions.reduce((sum, { lag }) => sum + lag, 0)
  }
}
