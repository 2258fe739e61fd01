import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Limits } from '../deployment.ts'

const CGROUP_ROOT = '/sys/fs/cgroup'
const CPU_PERIOD_US = 100_000

export type Cgroups = {
  /** Applies its limits to the process. */
  limitProcess(instance: string, pid: number, limits: Limits): void
  /** Removes the group of a replica that has ended. */
  removeGroup(instance: string): void
}

/**
 * Limits by control groups, version 2 (https://docs.kernel.org/admin-guide/cgroup-v2.html): a group for each replica
 * below the provider's own. Returns the reason when that is impossible: another version, or no right to write.
 */
export function openCgroups(mount = CGROUP_ROOT, ownGroup = readOwnGroup()): Cgroups | string {
  const controllers = readOptional(join(mount, 'cgroup.controllers'))
  if (controllers === undefined) return 'this system has no cgroup v2'
  if (ownGroup === undefined) return 'the own control group is not known'
  const base = join(mount, ownGroup)
  try {
    // A group with processes of its own cannot delegate controllers, so its processes move into a leaf first.
    if (ownGroup !== '/') {
      mkdirSync(join(base, 'lares-provider'), { recursive: true })
      writeFileSync(join(base, 'lares-provider', 'cgroup.procs'), String(process.pid))
    }
    writeFileSync(join(base, 'cgroup.subtree_control'), '+memory +cpu')
  } catch (error) {
    return `cgroup v2 at ${base} may not be written (${(error as Error).message}); run it as a service with Delegate=yes`
  }
  const groupOf = (instance: string) => join(base, `lares-${instance}`)
  return {
    limitProcess(instance, pid, { memoryBytes, cpus }) {
      const group = groupOf(instance)
      mkdirSync(group, { recursive: true })
      if (memoryBytes !== undefined) {
        writeFileSync(join(group, 'memory.max'), String(Math.floor(memoryBytes)))
        if (existsSync(join(group, 'memory.swap.max'))) writeFileSync(join(group, 'memory.swap.max'), '0')
      }
      if (cpus !== undefined)
        writeFileSync(join(group, 'cpu.max'), `${Math.ceil(cpus * CPU_PERIOD_US)} ${CPU_PERIOD_US}`)
      writeFileSync(join(group, 'cgroup.procs'), String(pid))
    },
    removeGroup(instance) {
      if (existsSync(groupOf(instance))) rmdirSync(groupOf(instance))
    },
  }
}

const readOwnGroup = (): string | undefined =>
  /^0::(.*)$/m.exec(readOptional('/proc/self/cgroup') ?? '')?.[1]?.replace(/\/lares-provider$/, '')

function readOptional(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
