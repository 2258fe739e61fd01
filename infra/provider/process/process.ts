import { once } from 'node:events'
import { renameSync } from 'node:fs'
import { mkdir, readFile, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Log } from '../../../shared/base/log.ts'
import { type Deployment, limitsOf } from '../deployment.ts'
import type { Instance, InstanceDriver, Release } from '../fleet/instances.ts'
import { openLogFiles } from '../fleet/log-files.ts'
import { openSecretFiles } from '../fleet/secret-files.ts'
import { contentOf, handlerOf } from '../handler-folder.ts'
import { checkConstraints, checkSecrets } from '../nodes.ts'
import { type Cgroups, openCgroups } from './cgroup.ts'
import { openPool, type Spare } from './prewarmed-pool.ts'
import type { Announcement } from './prewarmed-runtime.ts'
import { beganAt, usageOf } from './process-identity.ts'

const START_LIMIT_MS = 60_000
/** The runtime drains for 30 s at most. */
const STOP_LIMIT_MS = 35_000
const LOOK_EVERY_MS = 20

export type ProcessOptions = {
  /** The checkout whose handlers are run. */
  root: string
  /** Where secrets and logs are kept. */
  folder: string
  labels: Map<string, string>
  /** How many empty runtimes wait. */
  spares: number
  /** What every function's environment has. */
  environment: NodeJS.ProcessEnv
  log: Log
}

/**
 * Runs a function as a process of its own, from the handler in this checkout. Replicas write their logs themselves and
 * outlive the provider. Limits hold where control groups may be written; where not, `check` says so.
 */
export async function openProcessDriver(options: ProcessOptions): Promise<InstanceDriver> {
  const { root, folder, labels, log } = options
  const secrets = await openSecretFiles(join(folder, 'secrets'))
  const logs = await openLogFiles(join(folder, 'logs'))
  const pool = openPool({
    size: options.spares,
    fileOf: logs.spareFile,
    environment: () => baseEnvironment(options.environment),
  })
  const cgroups = openCgroups()

  async function check(deployment: Deployment): Promise<string[]> {
    await handlerOf(deployment, root)
    checkConstraints(deployment, labels)
    checkSecrets(deployment, await secrets.list())
    return noticesFor(deployment, cgroups)
  }

  async function start({ deployment }: Release, placed?: (origin: string) => void): Promise<Instance> {
    const { name } = deployment
    const handler = await handlerOf(deployment, root)
    const spare = await pool.take()
    const id = `${name}-${spare.id}`
    const { pid } = spare.child
    const logFile = logs.fileOf(id)
    try {
      renameSync(spare.logFile, logFile)
      if (typeof cgroups !== 'string') cgroups.hold(id, pid!, limitsOf(deployment))
      const environment = {
        ...deployment.environment,
        LARES_SECRETS: await secretsFor(deployment, mountOf(id)),
      }
      spare.child.send({ handler, environment })
      const origin = `http://127.0.0.1:${await portOf(spare, logFile)}`
      placed?.(origin)
      return { id, origin, handle: { pid: pid!, beganAt: beganAt(pid!) ?? '' } }
    } catch (error) {
      spare.child.kill('SIGKILL')
      await tidy(id)
      throw error
    } finally {
      pool.refillSoon()
    }
  }

  const mountOf = (instance: string) => join(folder, 'mounts', instance)

  /** A folder with those secrets that it declares and no other. */
  async function secretsFor(deployment: Deployment, mount: string): Promise<string> {
    await mkdir(mount, { recursive: true, mode: 0o700 })
    for (const secret of deployment.secrets)
      await symlink(join(folder, 'secrets', secret), join(mount, secret))
    return mount
  }

  const tidy = async (instance: string) => {
    await rm(mountOf(instance), { recursive: true, force: true })
    await logs.ended(instance)
  }

  const isRunning = async ({ handle }: Instance) => beganAt(Number(handle.pid)) === String(handle.beganAt)
  const ended = async (instance: Instance, limitMs: number): Promise<boolean> => {
    const until = performance.now() + limitMs
    while (await isRunning(instance)) {
      if (performance.now() > until) return false
      await wait(LOOK_EVERY_MS)
    }
    return true
  }

  return {
    name: 'process',
    check,
    contentOf: async deployment => contentOf(await handlerOf(deployment, root)),
    start,
    isRunning,
    async stop(instance) {
      const pid = Number(instance.handle.pid)
      if (await isRunning(instance)) process.kill(pid, 'SIGTERM')
      if (!(await ended(instance, STOP_LIMIT_MS))) {
        log.warn({ instance: instance.id }, `${instance.id} does not end by itself and is killed`)
        process.kill(pid, 'SIGKILL')
        await ended(instance, STOP_LIMIT_MS)
      }
      if (typeof cgroups !== 'string') cgroups.release(instance.id)
      await tidy(instance.id)
    },
    usage: async ({ handle }) => usageOf(Number(handle.pid)),
    secrets,
    logs: logs.read,
    forget: logs.forget,
    async close() {
      pool.close()
      logs.close()
    },
  }
}

/** What starts the provider, its password and its port are no business of a function. */
function baseEnvironment(all: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const foreign = (name: string) =>
    name.startsWith('PROVIDER_') || name.startsWith('npm_') || ['PORT', 'HOST'].includes(name)
  return Object.fromEntries(Object.entries(all).filter(([name]) => !foreign(name)))
}

async function portOf({ child }: Spare, logFile: string): Promise<number> {
  const signal = AbortSignal.timeout(START_LIMIT_MS)
  const told = once(child, 'message', { signal }).then(([message]) => message as Announcement)
  const gone = once(child, 'exit', { signal }).then(async ([code]) => ({
    problem: `it ended with ${code}: ${await lastLines(logFile)}`,
  }))
  gone.catch(() => undefined)
  const announced = await Promise.race([told, gone]).catch(cause => {
    throw new LaresError('unavailable', `it was not ready within ${START_LIMIT_MS / 1_000} s`, { cause })
  })
  if ('problem' in announced) throw new LaresError('unavailable', announced.problem)
  return announced.port
}

const lastLines = async (file: string) => (await readFile(file, 'utf8')).trim().slice(-500)

function noticesFor(deployment: Deployment, cgroups: Cgroups | string): string[] {
  const { memoryBytes, cpus, gpus } = limitsOf(deployment)
  const notices: string[] = []
  if (typeof cgroups === 'string' && (memoryBytes !== undefined || cpus !== undefined))
    notices.push(`limits of memory and CPU are not enforced: ${cgroups}`)
  if (gpus) notices.push('GPUs are not assigned: a process sees all of the machine')
  if (deployment.readOnly) notices.push('the file system is not read-only for a process')
  if (deployment.annotations['com.lares.egress'] !== undefined)
    notices.push('egress is not restricted for a process')
  return notices
}
