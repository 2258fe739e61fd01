import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * When a process began, by its system's own count; undefined when no such process runs. With the process id it names one
 * process for good, as ids are used again.
 */
export function processStartTime(pid: number): string | undefined {
  if (process.platform === 'linux') return readProcStat(pid)?.[19]
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
  } catch {
    return undefined
  }
}

/** Fields of /proc/PID/stat from the third on (proc(5)); one that has ended and is not reaped yet counts as gone. */
function readProcStat(pid: number): string[] | undefined {
  const stat = readOptional(`/proc/${pid}/stat`)
  // The second field is the name in parentheses, and may hold anything.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields?.[0] === 'Z' ? undefined : fields
}

/** USER_HZ, which Linux keeps at 100 for programs on every platform that Node runs on. */
const TICK_MS = 10
const PAGE_BYTES = 4_096

/** CPU time since it began, and resident memory; undefined where the system does not tell. */
export function processUsage(pid: number): { cpuMs: number; memoryBytes: number } | undefined {
  const fields = process.platform === 'linux' ? readProcStat(pid) : undefined
  if (!fields) return undefined
  const [user, system, resident] = [fields[11], fields[12], fields[21]].map(Number) as [
    number,
    number,
    number,
  ]
  return { cpuMs: (user + system) * TICK_MS, memoryBytes: resident * PAGE_BYTES }
}

function readOptional(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
