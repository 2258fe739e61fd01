import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../shared/base/free-port.ts'
import { until } from './until.ts'

export const TOKEN = 'token-of-the-owner-in-tests'

/**
 * The flags of `npm start`. A semi-space of 2 MB takes 20 MB less memory. Beside a conversation that floods, it slows
 * others down (p99 96 ms against 79, `npm run bench:fair`). One of 16 MB takes 80 MB more than 8 MB do. Without the
 * second flag, the heap grows by some 170 MB more in `npm run test:soak`.
 */
const START_FLAGS = ['--max-semi-space-size=8', '--heap-growing-percent=60']

export type InstanceOptions = {
  /** `embedded`: one process. `kafka`: one process for each part, on the Kafka at `brokers`. */
  kind: 'embedded' | 'kafka'
  /** An OpenAI-compatible server; without it the instance uses the built-in model. */
  modelUrl?: string
  brokers?: string
  /** The data directory, which is kept; default: a temporary one. */
  home?: string
  environment?: Record<string, string>
}

/** A running Lares as a person would use it: started by its own script, reached over HTTP. */
export type LaresInstance = {
  url: string
  home: string
  /** All output of the processes. */
  output(): string
  request(path: string, init?: RequestInit): Promise<Response>
  /** The time until the last start was ready. */
  readyMs(): number
  pid(name: string): number
  /** Names of the processes that a test can kill; `embedded` has one. */
  processes: string[]
  /** kill -9. This function restarts the embedded process; the supervisor restarts the others. */
  kill(name: string): Promise<void>
  /** Stops gracefully and starts again on the same data. */
  restart(): Promise<void>
  /** Stops gracefully and keeps the data. */
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
    // Words alone distinguish the skills of these tests; tests/integration/intent.test.ts covers the embeddings.
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
