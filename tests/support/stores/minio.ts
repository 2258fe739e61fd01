import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { LaresError } from '../../../shared/base/errors.ts'
import { freePort } from '../../../shared/base/free-port.ts'
import { buildGoPrograms } from '../go-program.ts'

/** MinIO publishes source only; this is the newest version on the Go module proxy. */
const VERSION = 'v0.0.0-20260212201848-7aac2a2c5b7c'
const START_TIMEOUT_MS = 60_000

export type MinioServer = {
  endpoint: string
  port: number
  accessKey: string
  secretKey: string
  version: string
  /** Stops gracefully, or with SIGKILL; `start` starts it again on the same data and port. */
  halt(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

/** A real MinIO on 127.0.0.1 with its data in a temporary folder. Errors: `unavailable`. */
export async function startMinio(): Promise<MinioServer> {
  const folder = await buildGoPrograms({
    name: 'minio',
    module: 'github.com/minio/minio',
    version: VERSION,
    buildDuration: 'about five minutes',
  })
  const binary = join(folder, 'minio')
  const home = await mkdtemp(join(tmpdir(), 'lares-minio-'))
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const [accessKey, secretKey] = ['lares-tests', 'secret-of-the-tests']
  let running: ChildProcess
  const start = async () => {
    const log = await open(join(home, 'log'), 'a')
    const data = join(home, 'data')
    running = spawn(binary, ['server', '--quiet', '--address', `127.0.0.1:${port}`, data], {
      env: {
        ...process.env,
        MINIO_ROOT_USER: accessKey,
        MINIO_ROOT_PASSWORD: secretKey,
        MINIO_BROWSER: 'off',
        MINIO_UPDATE: 'off',
        MINIO_CONFIG_DIR: join(home, 'config'),
      },
      stdio: ['ignore', log.fd, log.fd],
    })
    await log.close()
    const deadline = performance.now() + START_TIMEOUT_MS
    while (!(await isReady(endpoint))) {
      if (running.exitCode === null && performance.now() < deadline) await wait(50)
      else
        throw new LaresError(
          'unavailable',
          `MinIO did not start: ${await readFile(join(home, 'log'), 'utf8')}`,
        )
    }
  }
  const halt = async (signal: NodeJS.Signals) => {
    if (running.exitCode !== null || running.signalCode !== null) return
    const exited = once(running, 'exit')
    running.kill(signal)
    await exited
  }
  await start()
  return {
    endpoint,
    port,
    accessKey,
    secretKey,
    version: VERSION,
    halt,
    start,
    async close() {
      await halt('SIGKILL')
      await rm(home, { recursive: true, force: true })
    },
  }
}

const isReady = async (endpoint: string): Promise<boolean> => {
  const answer = await fetch(`${endpoint}/minio/health/ready`).catch(() => undefined)
  await answer?.body?.cancel()
  return answer?.ok === true
}
