import { once } from 'node:events'
import { renameSync } from 'node:fs'
import { mkdir, readFile, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Logger } from '../../../shared/base/log.ts'
import { type Deployment, limitsOf } from '../deployment.ts'
import { openLogFiles } from '../fleet/log-files.ts'
import type { Release, Replica, ReplicaDriver } from '../fleet/replica.ts'
import { openSecretFiles } from '../fleet/secret-files.ts'
import { folderDigest, type HandlerFolders, resolveHandler } from '../handler-folder.ts'
import { checkConstraints, checkSecrets } from '../nodes.ts'
import { type Cgroups, openCgroups } from './cgroup.ts'
import { openPrewarmedPool, type PrewarmedRuntime } from './prewarmed-pool.ts'
import type { StartResult } from './prewarmed-runtime.ts'
import { processStartTime, processUsage } from './process-identity.ts'

const START_TIMEOUT_MS = 60_000
/** The runtime drains for 30 s at most. */
const STOP_TIMEOUT_MS = 35_000
const POLL_INTERVAL_MS = 20

export type ProcessOptions = HandlerFolders & {
  /** The folder for secrets and logs. */
  folder: string
  labels: Map<string, string>
  /** The number of prewarmed runtimes. */
  prewarmed: number
  /** Variables of every function's environment. */
  environment: NodeJS.ProcessEnv
  log: Logger
}

/**
 * Runs a function as a process of its own, from the handler in this checkout. Replicas write their logs themselves and
 * outlive the provider. Limits apply where the provider may write control groups; elsewhere `check` reports that.
 */
export async function openProcessDriver(options: ProcessOptions): Promise<ReplicaDriver> {
  const { folder, labels, log } = options
  const secrets = await openSecretFiles(join(folder, 'secrets'))
  const logs = await openLogFiles(join(folder, 'logs'))
  const prewarmedPool = openPrewarmedPool({
    size: options.prewarmed,
    fileOf: logs.prewarmedFile,
    environment: () => baseEnvironment(options.environment),
  })
  const cgroups = openCgroups()

  async function check(deployment: Deployment): Promise<string[]> {
    await resolveHandler(deployment, options)
    checkConstraints(deployment, labels)
    checkSecrets(deployment, await secrets.list())
    return noticesFor(deployment, cgroups)
  }

  async function start(
    { deployment }: Release,
    onOriginAssigned?: (origin: string) => void,
  ): Promise<Replica> {
    const { name } = deployment
    const handler = await resolveHandler(deployment, options)
    const runtime = await prewarmedPool.acquire()
    const id = `${name}-${runtime.id}`
    const { pid } = runtime.child
    const logFile = logs.fileOf(id)
    try {
      renameSync(runtime.logFile, logFile)
      if (typeof cgroups !== 'string') cgroups.limitProcess(id, pid!, limitsOf(deployment))
      const environment = {
        ...deployment.environment,
        LARES_SECRETS: await linkSecrets(deployment, secretsFolderOf(id)),
      }
      runtime.child.send({ handler, environment })
      const origin = `http://127.0.0.1:${await waitForPort(runtime, logFile)}`
      onOriginAssigned?.(origin)
      return { id, origin, handle: { pid: pid!, beganAt: processStartTime(pid!) ?? '' } }
    } catch (error) {
      runtime.child.kill('SIGKILL')
      await cleanUp(id)
      throw error
    } finally {
      prewarmedPool.scheduleRefill()
    }
  }

  const secretsFolderOf = (instance: string) => join(folder, 'mounts', instance)

  /** Links a folder with exactly the secrets that the function declares. */
  async function linkSecrets(deployment: Deployment, secretsFolder: string): Promise<string> {
    await mkdir(secretsFolder, { recursive: true, mode: 0o700 })
    for (const secret of deployment.secrets)
      await symlink(join(folder, 'secrets', secret), join(secretsFolder, secret))
    return secretsFolder
  }

  const cleanUp = async (instance: string) => {
    await rm(secretsFolderOf(instance), { recursive: true, force: true })
    await logs.markEnded(instance)
  }

  const isRunning = async ({ handle }: Replica) =>
    processStartTime(Number(handle.pid)) === String(handle.beganAt)
  const waitForExit = async (instance: Replica, timeoutMs: number): Promise<boolean> => {
    const deadline = performance.now() + timeoutMs
    while (await isRunning(instance)) {
      if (performance.now() > deadline) return false
      await wait(POLL_INTERVAL_MS)
    }
    return true
  }

  return {
    name: 'process',
    check,
    contentDigestOf: async deployment => folderDigest(await resolveHandler(deployment, options)),
    start,
    isRunning,
    async stop(instance) {
      const pid = Number(instance.handle.pid)
      if (await isRunning(instance)) process.kill(pid, 'SIGTERM')
      if (!(await waitForExit(instance, STOP_TIMEOUT_MS))) {
        log.warn({ instance: instance.id }, `${instance.id} does not end by itself and is killed`)
        process.kill(pid, 'SIGKILL')
        await waitForExit(instance, STOP_TIMEOUT_MS)
      }
      if (typeof cgroups !== 'string') cgroups.removeGroup(instance.id)
      await cleanUp(instance.id)
    },
    usage: async ({ handle }) => processUsage(Number(handle.pid)),
    secrets,
    logs: logs.read,
    cleanUp: logs.removeAll,
    async close() {
      prewarmedPool.close()
      logs.close()
    },
  }
}

/** Omits the provider's own variables, such as its password and its port: functions must not see them. */
function baseEnvironment(all: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isProviderOnly = (name: string) =>
    name.startsWith('PROVIDER_') || name.startsWith('npm_') || ['PORT', 'HOST'].includes(name)
  return Object.fromEntries(Object.entries(all).filter(([name]) => !isProviderOnly(name)))
}

async function waitForPort({ child }: PrewarmedRuntime, logFile: string): Promise<number> {
  const signal = AbortSignal.timeout(START_TIMEOUT_MS)
  const announcement = once(child, 'message', { signal }).then(([message]) => message as StartResult)
  const exit = once(child, 'exit', { signal }).then(async ([code]) => ({
    problem: `it ended with ${code}: ${await logTail(logFile)}`,
  }))
  exit.catch(() => undefined)
  const announced = await Promise.race([announcement, exit]).catch(cause => {
    throw new LaresError('unavailable', `it was not ready within ${START_TIMEOUT_MS / 1_000} s`, { cause })
  })
  if ('problem' in announced) throw new LaresError('unavailable', announced.problem)
  return announced.port
}

const logTail = async (file: string) => (await readFile(file, 'utf8')).trim().slice(-500)

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
