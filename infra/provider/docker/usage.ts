import type Docker from 'dockerode'
import type { Usage } from '../backend.ts'

const NS_PER_MS = 1e6

/** The CPU time and memory of a container. The file cache does not count: the kernel frees it when memory is short. */
export async function usageOf(container: Docker.Container): Promise<Usage> {
  const { cpu_stats: cpu, memory_stats: memory } = await container.stats({ stream: false, 'one-shot': true })
  const { inactive_file: cgroupV2InactiveBytes, total_inactive_file: cgroupV1InactiveBytes } =
    memory.stats ?? {}
  return {
    cpuMs: cpu.cpu_usage.total_usage / NS_PER_MS,
    memoryBytes: Math.max(0, memory.usage - (cgroupV1InactiveBytes ?? cgroupV2InactiveBytes ?? 0)),
  }
}
