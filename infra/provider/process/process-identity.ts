import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * The start time of a process in its system's own unit; undefined when no such process runs. With the process id it
 * identifies one process forever, because ids are reused.
 */
export function processStartTime(pid: number): string | undefined {
  if (process.platform === 'linux') return readProcStat(pid)?.[19]
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
  } catch {
    return undefined
  }
}

/** Fields of /proc/PID/stat from the third on (proc(5)). An ended process that is not reaped yet counts as gone. */
function readProcStat(pid: number): string[] | undefined {
  const stat = readOptional(`/proc/${pid}/stat`)
  // The second field is the name in parentheses, and may contain any character.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields?.[0] === 'Z' ? undefined : fields
}

/** USER_HZ, which Linux keeps at 100 for programs on every platform that Node supports. */
const TICK_MS = 10
const PAGE_BYTES = 4_096

/** CPU time since the start, and resident memory; undefined where the system does not report them. */
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
