import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type StartedProvider, startProvider } from '../../infra/provider/start.ts'
import { silentLogger } from '../../shared/base/log.ts'
import { createRootEvent } from '../../shared/contract/events/event.ts'
import { eventToHttp } from '../../shared/contract/events/http-binding.ts'
import { type KeyValueServer, startKeyValueServer } from './board.ts'

export const PASSWORD = 'password-of-admin'

/** For handlers outside of the checkout. */
export const shared = (file: string): string =>
  pathToFileURL(join(import.meta.dirname, '..', '..', 'shared', file)).href

/** Starts a provider on the cluster in KUBECONFIG, with a master key in its data directory. */
export const startKnativeProvider = (
  home: string,
  environment: NodeJS.ProcessEnv,
): Promise<StartedProvider> =>
  startProvider({
    backend: 'knative',
    port: 0,
    home,
    root: home,
    password: PASSWORD,
    labels: new Map(),
    prewarmed: 0,
    environment,
    docker: { masterKeyFile: join(home, 'master.key') },
    version: '0.0.0',
    log: silentLogger,
  })

export type ProviderFixture = {
  folder: string
  /** The folder in which the provider keeps its data. */
  home: string
  url(): string
  /** Values that functions and tests exchange beside events. */
  keyValues: KeyValueServer
  image(name: string): string
  /** A request in the format of faas-cli. */
  deployment(name: string, more?: object): object
  /** The specifier by which a handler imports a file of shared/. */
  shared(file: string): string
  /** kill -9 of the replica that reports this process id. */
  kill(name: string, pid: number): Promise<void>
  provider(): StartedProvider
  /** Writes the handler of an image. */
  write(name: string, source: string): Promise<void>
  /** Sends an authenticated request to the REST API. */
  system(method: string, path: string, body?: unknown): Promise<Response>
  /** Sends a request for a skill, as the connector does. */
  ask(name: string, text: string, options?: AskOptions): Promise<Response>
  /** Closes the provider, and opens it again on the same data; the functions continue to run. */
  restart(): Promise<void>
  close(): Promise<void>
}

type AskOptions = { path?: string; headers?: Record<string, string>; signal?: AbortSignal }

/** A skill that repeats the message; `body` has further statements for its handler. */
export const echoSkillSource = (name: string, body = '') => `export default {
  name: '${name}',
  async handleMessage({ text }) { ${body}; return text },
}`

/** A backend for the functions of an instance. */
export type ProviderTestBackend = {
  backend: 'process' | 'docker'
  /** An address of this machine that functions reach. */
  host: string
  /** The memory limit of paused containers; default: none are kept. */
  pausedBytes?: number
  write(folder: string, name: string, source: string): Promise<void>
  /** kill -9 of the replica that reports this process id, of the provider with its data in `home`. */
  kill(home: string, name: string, pid: number): Promise<void>
} & Pick<ProviderFixture, 'image' | 'shared'>

const processProviderBackend: ProviderTestBackend = {
  backend: 'process',
  host: '127.0.0.1',
  shared,
  image: name => `127.0.0.1:5000/lares/${name}:latest`,
  async write(folder, name, source) {
    await mkdir(join(folder, 'functions', name), { recursive: true })
    await writeFile(join(folder, 'functions', name, 'handler.ts'), source)
  },
  kill: async (_home, _name, pid) => void process.kill(pid, 'SIGKILL'),
}

export async function openProviderFixture(backend = processProviderBackend): Promise<ProviderFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-provider-'))
  const home = join(folder, 'home')
  const keyValues = await startKeyValueServer(backend.host)
  const start = () =>
    startProvider({
      backend: backend.backend,
      docker: { pausedBytes: backend.pausedBytes ?? 0 },
      port: 0,
      home,
      root: folder,
      password: PASSWORD,
      labels: new Map([['lares.dev/gpu', 'true']]),
      prewarmed: 1,
      environment: { ...process.env, LARES_HOME: home },
      version: '0.0.0',
      log: silentLogger,
    })
  let provider = await start()
  return {
    ...backend,
    folder,
    home,
    keyValues,
    deployment: (name, more = {}) => deploymentRequest(name, { image: backend.image(name), ...more }),
    url: () => provider.url,
    provider: () => provider,
    kill: (name, pid) => backend.kill(home, name, pid),
    write: (name, source) => backend.write(folder, name, source),
    system: (method, path, body) =>
      fetch(`${provider.url}/system/${path}`, {
        method,
        headers: { authorization: basicAuth(PASSWORD) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    ask: (name, text, options) => ask(provider.url, name, text, options),
    async restart() {
      await provider.close({ stopFunctions: false })
      provider = await start()
    },
    async close() {
      await provider.close({ stopFunctions: true })
      await keyValues.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Sends a request for a skill to the provider at `url`, as the connector does. */
export function ask(
  url: string,
  name: string,
  text: string,
  { path = `/function/${name}`, headers, signal }: AskOptions = {},
): Promise<Response> {
  const event = eventToHttp(skillRequest(name, text))
  return fetch(`${url}${path}`, {
    method: 'POST',
    headers: { ...event.headers, ...headers },
    body: Uint8Array.from(event.body),
    ...(signal && { signal }),
  })
}

export const basicAuth = (password: string): string =>
  `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`

export const deploymentRequest = (name: string, more: object = {}) => ({
  service: name,
  image: `127.0.0.1:5000/lares/${name}:latest`,
  envProcess: 'node main.mjs',
  annotations: { topic: `lares.skill.${name}` },
  ...more,
})

let eventCount = 0

const skillRequest = (name: string, text: string) =>
  createRootEvent({
    id: `018f0000-0000-7000-8000-${String(++eventCount).padStart(12, '0')}`,
    source: '/lares/tests',
    type: `lares.skill.${name}.requested`,
    conversation: 'talk-1',
    data: {
      callId: 'call-1',
      step: 0,
      person: 'owner',
      input: null,
      text,
      language: 'en',
      timeZone: 'Europe/Berlin',
      saidAt: '2026-05-01T12:00:00Z',
    },
  })
