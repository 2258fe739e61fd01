import type Docker from 'dockerode'
import type { Usage } from '../backend.ts'

const NS_PER_MS = 1e6

/** What a container uses now; the cache of files, which it gives up when memory is short, does not count. */
export async function usageOf(container: Docker.Container): Promise<Usage> {
  const { cpu_stats: cpu, memory_stats: memory } = await container.stats({ stream: false, 'one-shot': true })
  const { inactive_file: second, total_inactive_file: first } = memory.stats ?? {}
  return {
    cpuMs: cpu.cpu_usage.total_usage / NS_PER_MS,
    memoryBytes: Math.max(0, memory.usage - (first ?? second ?? 0)),
  }
}
