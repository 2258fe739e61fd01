import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { startSupervisor } from '../../../infra/processes/supervisor.ts'
import { type StartedProvider, startProvider } from '../../../infra/provider/start.ts'
import { freePort } from '../../../shared/base/free-port.ts'
import { silentLogger } from '../../../shared/base/log.ts'
import { type LaresInstance, TOKEN } from '../instance.ts'
import { PASSWORD } from '../provider.ts'
import { until } from '../until.ts'
import { killContainersOf, ROOT } from './docker.ts'

const FUNCTIONS = [
  'intent',
  'memory',
  'dialog',
  'generation',
  'learning',
  'time',
  'calculator',
  'reminder',
  'notes',
]

/** The time until the assistant uses the last deployment: docs/deploy.md. */
const DEPLOY_SETTLE_MS = 5_000

export type DockerInstanceOptions = {
  modelUrl: string
  brokers: string
  /** An address that this machine and containers both reach. */
  databaseUrl: string
  /** Deploys the functions of stack.yml to the provider. */
  deploy(provider: string): Promise<void>
  /** The backend for functions; default: containers of this machine's Docker. */
  functionsBackend?: FunctionsBackend
}

export type FunctionsBackend = {
  /** Further variables of every process. */
  environment?: Record<string, string>
  /** Opens a provider at PROVIDER_PORT `port` that gives functions the addresses of the services. */
  openProvider(
    port: number,
    services: Record<string, string>,
  ): Promise<Pick<StartedProvider, 'url' | 'close'>>
  /** kill -9 of all replicas of a function. */
  kill(name: string): Promise<void>
}

/** Starts gateway, connector and provider as on one host, and each function in containers of Docker or of a cluster. */
export async function startDockerInstance(options: DockerInstanceOptions): Promise<LaresInstance> {
  const { modelUrl, brokers, databaseUrl, deploy } = options
  const home = await mkdtemp(join(tmpdir(), 'lares-docker-'))
  const runFolder = join(home, 'run')
  await mkdir(runFolder)
  const port = await freePort()
  const providerPort = await freePort()
  const url = `http://127.0.0.1:${port}`
  const services = {
    DATABASE_URL: databaseUrl,
    OPENAI_BASE_URL: modelUrl,
    LARES_MODEL: 'stand-in',
    LARES_EMBEDDING_MODEL: 'none',
    ...options.functionsBackend?.environment,
  }
  const shared = {
    ...services,
    PORT: String(port),
    LARES_HOME: home,
    LARES_TOKEN: TOKEN,
    LARES_BUS: 'kafka',
    KAFKA_BROKERS: brokers,
    OPENFAAS_URL: `http://127.0.0.1:${providerPort}`,
    PROVIDER_PASSWORD: PASSWORD,
  }
  const children = [
    { name: 'connector', script: 'infra/connector/main.ts', args: [], environment: {} },
    { name: 'gateway', script: 'gateway/main.ts', args: [], environment: {} },
  ]
  const functionsBackend = options.functionsBackend ?? dockerFunctions(home)
  const openProvider = () => functionsBackend.openProvider(providerPort, services)
  const untilReady = () =>
    until(async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok, 120_000)
  let provider = await openProvider()
  let supervisor = startSupervisor(children, { runFolder, log: silentLogger, sharedEnvironment: shared })
  let readyMs = 0
  const startedAt = performance.now()
  await untilReady()
  await deploy(provider.url)
  await wait(DEPLOY_SETTLE_MS)
  readyMs = Math.round(performance.now() - startedAt)
  const pid = (name: string) => Number(readFileSync(join(runFolder, `${name}.pid`), 'utf8'))
  return {
    url,
    home,
    output: () => '',
    request: (path, init = {}) =>
      fetch(`${url}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...init.headers },
      }),
    readyMs: () => readyMs,
    pid,
    processes: ['gateway', 'connector', ...FUNCTIONS],
    async kill(name) {
      if (!FUNCTIONS.includes(name)) return void process.kill(pid(name), 'SIGKILL')
      await functionsBackend.kill(name)
    },
    async restart() {
      await supervisor.stop()
      await provider.close({ stopFunctions: false })
      provider = await openProvider()
      supervisor = startSupervisor(children, { runFolder, log: silentLogger, sharedEnvironment: shared })
      await untilReady()
    },
    halt: () => supervisor.stop(),
    async stop() {
      await supervisor.stop()
      await provider.close({ stopFunctions: true })
      await rm(home, { recursive: true, force: true })
    },
  }
}

const dockerFunctions = (home: string): FunctionsBackend => ({
  openProvider: (port, services) =>
    startProvider({
      backend: 'docker',
      port,
      home,
      root: ROOT,
      password: PASSWORD,
      labels: new Map(),
      prewarmed: 0,
      environment: services,
      docker: { masterKeyFile: join(home, 'master.key'), pausedBytes: 256 * 1024 * 1024 },
      version: '0.0.0',
      log: silentLogger,
    }),
  kill: name => killContainersOf(home, name),
})
