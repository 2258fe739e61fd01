import type Docker from 'dockerode'
import type { Usage } from '../backend.ts'

const NS_PER_MS = 1e6

/** What a container uses now; the cache of files, which it gives up when memory is short, does not count. */
export async function usageOf(container: Docker.Container): Promise<Usage> {
  const { cpu_stats: cpu, memory_stats: memory } = await container.stats({ stream: false, 'one-shot': true })
  const { inactive_file: cgroupV2InactiveBytes, total_inactive_file: cgroupV1InactiveBytes } =
    memory.stats ?? {}
  return {
    cpuMs: cpu.cpu_usage.total_usage / NS_PER_MS,
    memoryBytes: Math.max(0, memory.usage - (cgroupV1InactiveBytes ?? cgroupV2InactiveBytes ?? 0)),
  }
}
