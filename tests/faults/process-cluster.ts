import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../shared/base/free-port.ts'
import { readStack } from '../../shared/contract/stack.ts'
import { TOKEN } from '../support/instance.ts'
import type { FaultPoint } from './moments.ts'
import { type ProcessSpec, type RestartingProcess, startRestartingProcess } from './supervised-process.ts'

export type ProcessClusterOptions = {
  brokers: string
  modelUrl: string
  /** Default: the store of LARES_HOME. */
  databaseUrl?: string | undefined
  gateways?: number
  connectors?: number
  /** The functions to run; default: all of stack.yml. */
  functions?: string[]
}

/** Several gateways and connectors, and every function, each a process of its own on one Kafka and one LARES_HOME. */
export type ProcessCluster = {
  /** The options of each gateway. */
  urls: string[]
  home: string
  databaseUrl: string | undefined
  names: string[]
  process(name: string): RestartingProcess
  /**
   * Resolves when the process comes to the moment, where it stays until `release` is called; undefined when it has not
   * come within the limit.
   */
  waitForFaultPoint(
    name: string,
    moment: FaultPoint,
    limitMs: number,
  ): Promise<{ release(): void } | undefined>
  output(): string
  stop(): Promise<void>
}

const HOOK_URL = new URL('./loader-hook.ts', import.meta.url).href

export async function startProcessCluster(options: ProcessClusterOptions): Promise<ProcessCluster> {
  const home = await mkdtemp(join(tmpdir(), 'lares-fleet-'))
  const faultPoints = await openFaultPointServer(home)
  let output = ''
  const onOutput = (text: string) => {
    output = `${output}${text}`.slice(-400_000)
  }
  const shared = {
    LARES_HOME: home,
    LARES_TOKEN: TOKEN,
    LARES_BUS: 'kafka',
    KAFKA_BROKERS: options.brokers,
    OPENAI_BASE_URL: options.modelUrl,
    LARES_MODEL: 'stand-in',
    NODE_OPTIONS: `--import=${HOOK_URL}`,
    LARES_FAULTS_FOLDER: home,
    LARES_FAULTS_URL: faultPoints.url,
    ...(options.databaseUrl && { DATABASE_URL: options.databaseUrl }),
  }
  const { members: specs, urls } = await planProcesses(options)
  const processes = new Map<string, RestartingProcess>()
  const start = async ({ readyUrl, ...spec }: PlannedProcess) => {
    const environment = { ...shared, LARES_FAULTS_NAME: spec.name, ...spec.environment }
    processes.set(
      spec.name,
      await startRestartingProcess({ ...spec, environment }, () => respondsOk(readyUrl), onOutput),
    )
  }
  try {
    // One first, which creates the database and the topics.
    for (const spec of specs.filter(({ name }) => name === 'dialog')) await start(spec)
    const others = await Promise.allSettled(specs.filter(({ name }) => name !== 'dialog').map(start))
    const failed = others.find(({ status }) => status === 'rejected')
    if (failed) throw (failed as PromiseRejectedResult).reason
  } catch (error) {
    await Promise.all([...processes.values()].map(one => one.stop()))
    await faultPoints.close()
    throw new Error(`the fleet did not start: ${(error as Error).message}\n${output}`)
  }
  return {
    urls,
    home,
    databaseUrl: options.databaseUrl,
    names: [...processes.keys()],
    process: name => processes.get(name)!,
    waitForFaultPoint: faultPoints.waitForFaultPoint,
    output: () => output,
    async stop() {
      await Promise.all([...processes.values()].map(one => one.stop()))
      await faultPoints.close()
      await rm(home, { recursive: true, force: true })
    },
  }
}

type PlannedProcess = ProcessSpec & { readyUrl: string }

async function planProcesses({ gateways = 2, connectors = 1, functions: selected }: ProcessClusterOptions) {
  const stack = (await readStack('stack.yml')).filter(({ name }) => selected?.includes(name) ?? true)
  const functions = await Promise.all(stack.map(async one => ({ ...one, port: await freePort() })))
  const functionUrls = functions.map(({ name, port }) => `${name}=http://127.0.0.1:${port}`).join(',')
  const specs: PlannedProcess[] = functions.map(({ name, handler, port }) => ({
    name,
    script: 'shared/host/main.ts',
    args: [handler],
    environment: { PORT: String(port), HOST: '127.0.0.1' },
    readyUrl: `http://127.0.0.1:${port}/_/ready`,
  }))
  for (let n = 1; n <= connectors; n++) {
    const port = await freePort()
    specs.push({
      name: numberedName('connector', n),
      script: 'infra/connector/main.ts',
      args: [],
      environment: { LARES_FUNCTION_URLS: functionUrls, LARES_METRICS_PORT: String(port), HOST: '127.0.0.1' },
      readyUrl: `http://127.0.0.1:${port}/healthz`,
    })
  }
  const urls: string[] = []
  for (let n = 1; n <= gateways; n++) {
    const port = await freePort()
    urls.push(`http://127.0.0.1:${port}`)
    specs.push({
      name: numberedName('gateway', n),
      script: 'gateway/main.ts',
      args: [],
      environment: { PORT: String(port), HOST: '127.0.0.1' },
      readyUrl: `http://127.0.0.1:${port}/readyz`,
    })
  }
  return { members: specs, urls }
}

const numberedName = (name: string, n: number): string => (n === 1 ? name : `${name}-${n}`)

async function respondsOk(url: string): Promise<boolean> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined)
  await answer?.body?.cancel()
  return answer?.ok === true
}

/** Where the processes tell that they have come to a moment (see `reach`). */
async function openFaultPointServer(folder: string) {
  const waiting = new Map<string, (release: () => void) => void>()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { name } = JSON.parse(Buffer.concat(chunks).toString()) as { name: string }
    response.on('error', () => undefined)
    const release = () => void response.end()
    const resolveWaiting = waiting.get(name)
    if (resolveWaiting) resolveWaiting(release)
    else release()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async waitForFaultPoint(name: string, moment: FaultPoint, limitMs: number) {
      const file = join(folder, `${name}.armed`)
      const reached = Promise.withResolvers<{ release(): void } | undefined>()
      waiting.set(name, release => reached.resolve({ release }))
      await writeFile(file, moment)
      const timer = setTimeout(() => reached.resolve(undefined), limitMs)
      const found = await reached.promise
      clearTimeout(timer)
      waiting.delete(name)
      if (!found) await unlink(file).catch(() => undefined)
      return found
    },
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
