import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { type BaseImages, buildBaseImages } from '../../../infra/images/base.ts'
import { LABELS, providerIdOf } from '../../../infra/provider/docker/container.ts'
import { LaresError } from '../../../shared/base/errors.ts'
import { freePort } from '../../../shared/base/free-port.ts'
import { readEnvironment } from '../../../shared/config/environment.ts'
import { installPackages } from '../debian-packages.ts'
import { until } from '../until.ts'

const run = promisify(execFile)
export const ROOT = join(import.meta.dirname, '..', '..', '..')
/** Debian's packages with dockerd and a registry of images. */
const DEBIAN_PACKAGES = ['docker.io', 'docker-registry']
const START_TIMEOUT_MS = 60_000
const DOCKER_VERSION_COMMAND = ['docker', 'version', '--format', '{{.Server.Version}}'] as const

export type DockerMachine = {
  version: string
  /** An address of this machine that containers reach. */
  host: string
  /** The registry for pushed images, as in 127.0.0.1:41234. */
  registry: string
  baseImages: BaseImages
  /** Builds the folder as an image of this registry and pushes it there. */
  build(folder: string, image: string, args?: Record<string, string>): Promise<void>
  close(): Promise<void>
}

/**
 * Starts a Docker daemon, a registry and the base images. The daemon is this machine's, or one of the tests' own with
 * its images in the cache. Missing programs are installed from Debian's packages where that is allowed. Errors:
 * `unavailable`.
 */
export async function startDocker(): Promise<DockerMachine> {
  const ownDaemon = await ensureDaemon()
  const registry = await startRegistry()
  const [, ...versionArgs] = DOCKER_VERSION_COMMAND
  const { stdout } = await run('docker', versionArgs)
  const progress = (line: string) => void process.stderr.write(`${line}\n`)
  return {
    version: stdout.trim(),
    host: networkInterfaces().docker0?.find(({ family }) => family === 'IPv4')?.address ?? '172.17.0.1',
    registry: registry.address,
    baseImages: await buildBaseImages({ root: ROOT, onProgress: progress }),
    async build(folder, image, args = {}) {
      const given = Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`])
      await run('docker', ['build', '--quiet', ...given, '--tag', image, folder], {
        maxBuffer: 64 * 1024 * 1024,
      })
      await run('docker', ['push', '--quiet', image])
    },
    async close() {
      await registry.close()
      await ownDaemon?.close()
    },
  }
}

/**
 * Short ids of a function's containers, including ended ones, for the instance with its data in `home`. This Docker may
 * have containers of others, such as tests that were killed.
 */
export async function containersOf(home: string, name: string, status?: string): Promise<string[]> {
  const labels = { [LABELS.provider]: providerIdOf(join(home, 'provider')), [LABELS.function]: name }
  const filters = Object.entries(labels).map(([label, value]) => `label=${label}=${value}`)
  if (status !== undefined) filters.push(`status=${status}`)
  const given = filters.flatMap(filter => ['--filter', filter])
  const { stdout } = await run('docker', ['ps', '--all', '--quiet', ...given])
  return stdout.split('\n').filter(Boolean)
}

/** kill -9 of all running containers of a function, for the instance with its data in `home`. */
export async function killContainersOf(home: string, name: string): Promise<void> {
  await run('docker', ['kill', ...(await containersOf(home, name, 'running'))])
}

const succeeds = (command: string, args: readonly string[]): Promise<boolean> =>
  run(command, [...args]).then(
    () => true,
    () => false,
  )

async function ensureDaemon(): Promise<{ close(): Promise<void> } | undefined> {
  const [command, ...args] = DOCKER_VERSION_COMMAND
  const isInstalled =
    (await succeeds('docker-registry', ['--version'])) && (await succeeds(command, ['--version']))
  if (!isInstalled || !(await succeeds('dockerd', ['--version'])))
    await installPackages('iptables', ...DEBIAN_PACKAGES)
  if (await succeeds(command, args)) return undefined
  if (process.getuid?.() !== 0)
    throw new LaresError('unavailable', 'no Docker daemon answers, and only root can start one')
  const { cacheDirectory } = readEnvironment(process.env)
  const folder = await mkdtemp(join(tmpdir(), 'lares-dockerd-'))
  await mkdir(cacheDirectory, { recursive: true })
  const running = await startDaemonProcess(
    'dockerd',
    ['--data-root', join(cacheDirectory, 'docker'), '--pidfile', join(folder, 'pid')],
    join(folder, 'log'),
    () => succeeds(command, args),
  )
  // Nobody else uses this daemon, so any container in it is from tests that were killed.
  await run('docker', ['container', 'prune', '--force'])
  return { close: () => stopDaemonProcess(running, folder) }
}

/** `htpasswd`: the users with access, a line `name:bcrypt` each; default: anybody. */
export async function startRegistry(htpasswd?: string): Promise<{ address: string; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-registry-'))
  const address = `127.0.0.1:${await freePort()}`
  const settings = join(folder, 'settings.yml')
  const storage = `{ filesystem: { rootdirectory: ${join(folder, 'images')} } }`
  const users = join(folder, 'htpasswd')
  if (htpasswd !== undefined) await writeFile(users, `${htpasswd}\n`)
  const auth = htpasswd === undefined ? '' : `auth: { htpasswd: { realm: tests, path: ${users} } }\n`
  await writeFile(settings, `version: 0.1\nstorage: ${storage}\nhttp: { addr: "${address}" }\n${auth}`)
  const running = await startDaemonProcess('docker-registry', ['serve', settings], join(folder, 'log'), () =>
    fetch(`http://${address}/v2/`).then(
      ({ status }) => status === (htpasswd === undefined ? 200 : 401),
      () => false,
    ),
  )
  return { address, close: () => stopDaemonProcess(running, folder) }
}

async function startDaemonProcess(
  command: string,
  args: string[],
  logFile: string,
  isUp: () => Promise<boolean>,
): Promise<ChildProcess> {
  const log = await open(logFile, 'a')
  const running = spawn(command, args, { stdio: ['ignore', log.fd, log.fd] })
  await log.close()
  running.once('error', () => undefined)
  await until(async () => {
    if (running.exitCode !== null) return true
    return await isUp()
  }, START_TIMEOUT_MS)
  if (running.exitCode === null) return running
  const output = (await readFile(logFile, 'utf8')).slice(-2_000)
  throw new LaresError('unavailable', `${command} did not start: ${output}`)
}

async function stopDaemonProcess(running: ChildProcess, folder: string): Promise<void> {
  if (running.exitCode === null) {
    const exited = once(running, 'exit')
    running.kill('SIGTERM')
    await exited
  }
  await rm(folder, { recursive: true, force: true })
}

/** The folder that faas-cli builds from the template, a handler's folder and `configuration.copy` of stack.yml. */
export async function buildContext(handler: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-build-'))
  await cp(join(ROOT, 'template', 'node24'), folder, { recursive: true })
  await cp(resolve(ROOT, handler), join(folder, 'function'), { recursive: true })
  for (const name of ['shared', 'config', 'package.json', 'package-lock.json'])
    await cp(join(ROOT, name), join(folder, 'function', name), { recursive: true })
  return folder
}

/** Without of-watchdog, on the base images of this machine. */
export const buildArguments = ({ base, build }: BaseImages): Record<string, string> => ({
  BASE_IMAGE: base,
  BUILD_IMAGE: build,
  WATCHDOG_IMAGE: 'scratch',
  FRONT: 'plain',
})
