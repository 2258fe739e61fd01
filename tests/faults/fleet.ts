import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readStack } from '../../shared/contract/stack.ts'
import { freePort, TOKEN } from '../support/instance.ts'
import type { Moment } from './moments.ts'
import { type Kept, keep, type Member } from './supervised-process.ts'

export type FleetOptions = {
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
export type Fleet = {
  /** Of each gateway. */
  urls: string[]
  home: string
  databaseUrl: string | undefined
  names: string[]
  kept(name: string): Kept
  /**
   * Resolves when the process comes to the moment, where it stays until `release` is called; undefined when it has not
   * come within the limit.
   */
  meet(name: string, moment: Moment, limitMs: number): Promise<{ release(): void } | undefined>
  output(): string
  stop(): Promise<void>
}

const HOOK = new URL('./loader-hook.ts', import.meta.url).href

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const home = await mkdtemp(join(tmpdir(), 'lares-fleet-'))
  const moments = await openMoments(home)
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
    NODE_OPTIONS: `--import=${HOOK}`,
    LARES_FAULTS_FOLDER: home,
    LARES_FAULTS_URL: moments.url,
    ...(options.databaseUrl && { DATABASE_URL: options.databaseUrl }),
  }
  const { members, urls } = await plan(options)
  const kept = new Map<string, Kept>()
  const start = async ({ ready, ...member }: Planned) => {
    const environment = { ...shared, LARES_FAULTS_NAME: member.name, ...member.environment }
    kept.set(member.name, await keep({ ...member, environment }, () => isOk(ready), onOutput))
  }
  try {
    // One first, which makes the database and the topics.
    for (const member of members.filter(({ name }) => name === 'dialog')) await start(member)
    const others = await Promise.allSettled(members.filter(({ name }) => name !== 'dialog').map(start))
    const failed = others.find(({ status }) => status === 'rejected')
    if (failed) throw (failed as PromiseRejectedResult).reason
  } catch (error) {
    await Promise.all([...kept.values()].map(one => one.stop()))
    await moments.close()
    throw new Error(`the fleet did not start: ${(error as Error).message}\n${output}`)
  }
  return {
    urls,
    home,
    databaseUrl: options.databaseUrl,
    names: [...kept.keys()],
    kept: name => kept.get(name)!,
    meet: moments.meet,
    output: () => output,
    async stop() {
      await Promise.all([...kept.values()].map(one => one.stop()))
      await moments.close()
      await rm(home, { recursive: true, force: true })
    },
  }
}

type Planned = Member & { ready: string }

async function plan({ gateways = 2, connectors = 1, functions: chosen }: FleetOptions) {
  const stack = (await readStack('stack.yml')).filter(({ name }) => chosen?.includes(name) ?? true)
  const functions = await Promise.all(stack.map(async one => ({ ...one, port: await freePort() })))
  const functionUrls = functions.map(({ name, port }) => `${name}=http://127.0.0.1:${port}`).join(',')
  const members: Planned[] = functions.map(({ name, handler, port }) => ({
    name,
    script: 'shared/host/main.ts',
    args: [handler],
    environment: { PORT: String(port), HOST: '127.0.0.1' },
    ready: `http://127.0.0.1:${port}/_/ready`,
  }))
  for (let n = 1; n <= connectors; n++) {
    const port = await freePort()
    members.push({
      name: nth('connector', n),
      script: 'infra/connector/main.ts',
      args: [],
      environment: { LARES_FUNCTION_URLS: functionUrls, LARES_METRICS_PORT: String(port), HOST: '127.0.0.1' },
      ready: `http://127.0.0.1:${port}/healthz`,
    })
  }
  const urls: string[] = []
  for (let n = 1; n <= gateways; n++) {
    const port = await freePort()
    urls.push(`http://127.0.0.1:${port}`)
    members.push({
      name: nth('gateway', n),
      script: 'gateway/main.ts',
      args: [],
      environment: { PORT: String(port), HOST: '127.0.0.1' },
      ready: `http://127.0.0.1:${port}/readyz`,
    })
  }
  return { members, urls }
}

const nth = (name: string, n: number): string => (n === 1 ? name : `${name}-${n}`)

async function isOk(url: string): Promise<boolean> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined)
  await answer?.body?.cancel()
  return answer?.ok === true
}

/** Where the processes tell that they have come to a moment (see `reach`). */
async function openMoments(folder: string) {
  const waiting = new Map<string, (release: () => void) => void>()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { name } = JSON.parse(Buffer.concat(chunks).toString()) as { name: string }
    response.on('error', () => undefined)
    const release = () => void response.end()
    const told = waiting.get(name)
    if (told) told(release)
    else release()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async meet(name: string, moment: Moment, limitMs: number) {
      const file = join(folder, `${name}.armed`)
      const met = Promise.withResolvers<{ release(): void } | undefined>()
      waiting.set(name, release => met.resolve({ release }))
      await writeFile(file, moment)
      const timer = setTimeout(() => met.resolve(undefined), limitMs)
      const found = await met.promise
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
