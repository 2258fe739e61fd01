import { createHash } from 'node:crypto'
import { LaresError } from '../../../shared/base/errors.ts'
import { openInTurn } from '../../../shared/base/keyed-mutex.ts'
import type { Log } from '../../../shared/base/log.ts'
import type { Backend, DeployedFunction, Lease, Usage } from '../backend.ts'
import { canonical, type Deployment, NAMESPACE } from '../deployment.ts'
import type { Store, StoredFunction } from '../store.ts'
import type { Instance, InstanceDriver, Release } from './instances.ts'
import { openReplicas, type Replicas } from './replicas.ts'

export type FleetOptions = {
  driver: InstanceDriver
  store: Store
  log: Log
  now?: () => number
  /** How often replicas are looked at whether they still run; default 1,000. */
  lookEveryMs?: number
}

type Known = StoredFunction & { running: Replicas; notices: string[] }

/** Makes a backend of a driver that can run one replica: versions, replicas and what survives a crash are its work. */
export async function openFleet(options: FleetOptions): Promise<Backend> {
  const { driver, store, log, now = Date.now, lookEveryMs = 1_000 } = options
  const functions = new Map<string, Known>()
  /** One change of a function at a time; they may come from several clients and from the autoscaler. */
  const order = openInTurn()
  const known = (name: string): Known => {
    const one = functions.get(name)
    if (one) return one
    throw new LaresError('not_found', `no function "${name}" is deployed; faas-cli list shows those that are`)
  }
  /** An address is given anew as soon as its container has ended, which may be before anybody has looked. */
  const placed = (origin: string) => {
    for (const { running } of functions.values()) running.vacate(origin)
  }
  const replicasOf = ({ replicas, ...release }: Release & { replicas: number }, kept: Instance[]) =>
    openReplicas({ release, replicas, kept, driver, store, log, now, placed })
  await findAgain()
  const looking = setInterval(() => {
    for (const { running } of functions.values()) void running.look()
  }, lookEveryMs)

  async function findAgain(): Promise<void> {
    const stored = store.functions()
    const lost = store.instances()
    for (const one of stored) {
      const { name } = one.deployment
      const kept = lost.filter(found => found.function === name && found.version === one.version)
      const running = replicasOf(
        one,
        kept.map(({ instance }) => instance),
      )
      await running.look()
      // What was possible once and is not any more goes on running, and says why it could not be deployed now.
      const notices = await driver.check(one.deployment).catch(error => [(error as Error).message])
      functions.set(name, { ...one, running, notices })
    }
    const current = new Map(stored.map(one => [one.deployment.name, one.version]))
    // Of an update or a removal that a crash cut short.
    for (const { function: name, version, instance } of lost)
      if (current.get(name) !== version) await endLost(instance)
    await driver.endStrays?.(
      [...functions.values()].flatMap(({ running }) => running.instances()),
      [...current.values()],
    )
  }

  async function endLost(instance: Instance): Promise<void> {
    await driver.stop(instance)
    store.removeInstance(instance.id)
  }

  async function deploy(deployment: Deployment): Promise<boolean> {
    const { name } = deployment
    if (deployment.namespace !== NAMESPACE)
      throw new LaresError(
        'invalid_request',
        `${name}: there is no namespace "${deployment.namespace}", only ${NAMESPACE}`,
      )
    const notices = await driver.check(deployment)
    const before = functions.get(name)
    const content = await driver.contentOf(deployment)
    const version = versionOf(deployment, content)
    if (before?.version === version) return false
    const next = replicasOf({ deployment, content, version, replicas: 0 }, [])
    // It is started even if it may sleep: what does not answer is refused now, and its manifest is needed to wake it.
    const wanted = Math.max(1, before?.running.wanted() ?? 1)
    await next.scale(wanted).catch(async error => {
      await next.end()
      throw new LaresError('invalid_request', `${name} does not start: ${(error as Error).message}`, {
        cause: error,
      })
    })
    const stored = {
      deployment,
      content,
      version,
      manifest: await next.manifest(),
      createdAt: now(),
      replicas: wanted,
    }
    store.saveFunction(stored)
    functions.set(name, { ...stored, running: next, notices })
    log.info({ function: name, version }, `${name} is deployed`)
    // Not awaited: what it still does may take its time, and the new one answers already.
    void before?.running.end()
    return true
  }

  async function remove(name: string): Promise<void> {
    const one = known(name)
    store.removeFunction(name)
    functions.delete(name)
    await one.running.end()
    if (!functions.has(name)) await driver.forget(name)
    log.info({ function: name }, `${name} is removed`)
  }

  function acquire(name: string): Lease | Promise<Lease> {
    const one = known(name)
    const lease = one.running.acquire()
    if (!(lease instanceof Promise)) return lease
    // Who waited for a version that was replaced meanwhile gets the new one.
    return lease.catch(error => (functions.get(name) === one ? Promise.reject(error) : acquire(name)))
  }

  const describe = ({ deployment, createdAt, manifest, running, notices }: Known): DeployedFunction => ({
    deployment,
    createdAt,
    manifest,
    replicas: running.wanted(),
    availableReplicas: running.instances().length,
    activity: running.activity(),
    notices,
  })

  return {
    name: driver.name,
    scaledBy: 'provider',
    list: () => [...functions.values()].map(describe),
    get: name => describe(known(name)),
    deploy: deployment => order.run(deployment.name, () => deploy(deployment)),
    remove: name => order.run(name, () => remove(name)),
    scale: (name, replicas) =>
      order.run(name, async () => {
        const one = known(name)
        if (one.running.wanted() === replicas && one.running.instances().length === replicas) return
        await one.running.scale(replicas)
        store.saveFunction({ ...one, replicas })
      }),
    acquire,
    async usage(name) {
      const used = await Promise.all(
        known(name)
          .running.instances()
          .map(instance => driver.usage(instance)),
      )
      return used.reduce<Usage | undefined>(
        (sum, one) =>
          one && {
            cpuMs: (sum?.cpuMs ?? 0) + one.cpuMs,
            memoryBytes: (sum?.memoryBytes ?? 0) + one.memoryBytes,
          },
        undefined,
      )
    },
    secrets: driver.secrets,
    logs: (query, signal) => {
      known(query.name)
      return driver.logs(query, signal)
    },
    async close({ stopFunctions }) {
      clearInterval(looking)
      await order.settled()
      await Promise.all([...functions.values()].map(({ running }) => running.close(stopFunctions)))
      await driver.close({ stopFunctions })
    },
  }
}

/** Equal for what would run the same way. */
const versionOf = (deployment: Deployment, content: string): string =>
  createHash('sha256').update(canonical(deployment)).update(content).digest('hex').slice(0, 16)
