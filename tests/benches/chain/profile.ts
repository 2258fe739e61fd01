import { Session } from 'node:inspector/promises'
import { roundToThreeDigits } from '../statistics.ts'

type CpuProfile = {
  nodes: { id: number; callFrame: { functionName: string; url: string } }[]
  samples?: number[]
  timeDeltas?: number[]
}

/** The part that a function belongs to, by its file. */
const FILE_GROUPS: [RegExp, string][] = [
  [/node_modules\/((?:@[^/]+\/)?[^/]+)\//, '$1'],
  [/\/(shared\/[^/]+|infra\/[^/]+|tests\/[^/]+)\//, '$1'],
  [/^node:/, 'node'],
]

/** Runs the work under V8's CPU profiler; the share of the process's busy time that each place took itself. */
export async function profileCpu(work: () => Promise<void>): Promise<Record<string, number>> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.start')
  await work()
  const { profile } = (await session.post('Profiler.stop')) as { profile: CpuProfile }
  session.disconnect()
  return busyShares(profile)
}

function busyShares({ nodes, samples = [], timeDeltas = [] }: CpuProfile): Record<string, number> {
  const groupOfNode = new Map(nodes.map(({ id, callFrame }) => [id, fileGroupOf(callFrame)]))
  const timeByGroup = new Map<string, number>()
  for (const [at, id] of samples.entries()) {
    const group = groupOfNode.get(id)!
    if (group !== 'idle') timeByGroup.set(group, (timeByGroup.get(group) ?? 0) + timeDeltas[at]!)
  }
  const total = [...timeByGroup.values()].reduce((sum, time) => sum + time, 0)
  const sorted = [...timeByGroup].sort(([, a], [, b]) => b - a).slice(0, 12)
  return Object.fromEntries(sorted.map(([group, time]) => [group, roundToThreeDigits(time / total)]))
}

function fileGroupOf({ functionName, url }: { functionName: string; url: string }): string {
  if (url === '') return functionName.replace(/[()]/g, '') || 'anonymous'
  for (const [pattern, name] of FILE_GROUPS) {
    const found = pattern.exec(url)
    if (found) return name.replace('$1', found[1] ?? '')
  }
  return url
}
