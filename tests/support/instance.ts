import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../shared/base/free-port.ts'
import { until } from './until.ts'

export const TOKEN = 'token-of-the-owner-in-tests'

/**
 * Those of `npm start`. A space of 2 MB for new garbage takes 20 MB less, and holds others up longer beside a conversation
 * that floods (p99 96 ms against 79, `npm run bench:fair`); one of 16 MB takes 80 MB more than 8 do. Without the second,
 * the heap grows to some 170 MB more in `npm run test:soak`.
 */
const START_FLAGS = ['--max-semi-space-size=8', '--heap-growing-percent=60']

export type InstanceOptions = {
  /** `embedded`: one process. `kafka`: a process each, on the Kafka at `brokers`. */
  kind: 'embedded' | 'kafka'
  /** An OpenAI-compatible server; without it the built-in model is used. */
  modelUrl?: string
  brokers?: string
  /** The data directory, which stays; default: a temporary one. */
  home?: string
  environment?: Record<string, string>
}

/** A running Lares as a person would have it: started by its own script, reached over HTTP. */
export type LaresInstance = {
  url: string
  home: string
  /** Everything the processes wrote. */
  output(): string
  request(path: string, init?: RequestInit): Promise<Response>
  /** How long the last start took until it was ready. */
  readyMs(): number
  pid(name: string): number
  /** Names of the processes that can be killed; `embedded` has the one. */
  processes: string[]
  /** kill -9; the embedded one is started again here, the others by their supervisor. */
  kill(name: string): Promise<void>
  /** Stops in order and starts again on the same data. */
  restart(): Promise<void>
  /** Stops in order, and leaves the data. */
  halt(): Promise<void>
  stop(): Promise<void>
}

const PROCESSES = [
  'gateway',
  'connector',
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

export async function startInstance(options: InstanceOptions): Promise<LaresInstance> {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'lares-test-')))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const script = options.kind === 'embedded' ? 'infra/embedded/main.ts' : 'infra/processes/main.ts'
  const flags = options.kind === 'embedded' ? START_FLAGS : []
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PORT: String(port),
    LARES_HOME: home,
    LARES_TOKEN: TOKEN,
    // Words alone tell the skills of these tests; tests/integration/intent.test.ts has the embeddings.
    LARES_EMBEDDING_MODEL: 'none',
    ...(options.modelUrl ? { OPENAI_BASE_URL: options.modelUrl, LARES_MODEL: 'stand-in' } : {}),
    ...(options.brokers ? { KAFKA_BROKERS: options.brokers } : {}),
    ...options.environment,
  }
  let output = ''
  let running: ChildProcess
  let readyMs = 0
  const request = (path: string, init: RequestInit = {}) =>
    fetch(`${url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...init.headers },
    })
  const start = async () => {
    const startedAt = performance.now()
    running = spawn(process.execPath, [...flags, script], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [running.stdout!, running.stderr!])
      stream.on('data', chunk => (output = `${output}${chunk}`.slice(-200_000)))
    const started = running
    await until(async () => {
      if (started.exitCode !== null) throw new Error(`the instance did not start:\n${output}`)
      return (await fetch(`${url}/readyz`).catch(() => undefined))?.ok
    }, 60_000)
    readyMs = Math.round(performance.now() - startedAt)
  }
  const pid = (name: string) =>
    name === 'embedded' ? running.pid! : Number(readFileSync(join(home, 'run', `${name}.pid`), 'utf8'))
  const terminate = async (signal: NodeJS.Signals) => {
    if (running.exitCode !== null || running.signalCode !== null) return
    const exited = new Promise(resolve => running.once('exit', resolve))
    running.kill(signal)
    await exited
  }
  await start()
  return {
    url,
    home,
    output: () => output,
    request,
    readyMs: () => readyMs,
    pid,
    processes: options.kind === 'embedded' ? ['embedded'] : PROCESSES,
    async kill(name) {
      if (name !== 'embedded') return void process.kill(pid(name), 'SIGKILL')
      await terminate('SIGKILL')
      await start()
    },
    async restart() {
      await terminate('SIGTERM')
      await start()
    },
    halt: () => terminate('SIGTERM'),
    async stop() {
      await terminate('SIGTERM')
      if (options.home === undefined) await rm(home, { recursive: true, force: true })
    },
  }
}
