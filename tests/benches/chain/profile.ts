import { Session } from 'node:inspector/promises'
import { rounded } from '../statistics.ts'

type Profile = {
  nodes: { id: number; callFrame: { functionName: string; url: string } }[]
  samples?: number[]
  timeDeltas?: number[]
}

/** Where a function belongs, by the file that it is in. */
const PLACES: [RegExp, string][] = [
  [/node_modules\/((?:@[^/]+\/)?[^/]+)\//, '$1'],
  [/\/(shared\/[^/]+|infra\/[^/]+|tests\/[^/]+)\//, '$1'],
  [/^node:/, 'node'],
]

/** Runs the work under V8's CPU profiler; the share of the process's busy time that each place took itself. */
export async function profiled(work: () => Promise<void>): Promise<Record<string, number>> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.start')
  await work()
  const { profile } = (await session.post('Profiler.stop')) as { profile: Profile }
  session.disconnect()
  return shares(profile)
}

function shares({ nodes, samples = [], timeDeltas = [] }: Profile): Record<string, number> {
  const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]))
  const taken = new Map<string, number>()
  for (const [at, id] of samples.entries()) {
    const place = places.get(id)!
    if (place !== 'idle') taken.set(place, (taken.get(place) ?? 0) + timeDeltas[at]!)
  }
  const total = [...taken.values()].reduce((sum, time) => sum + time, 0)
  const sorted = [...taken].sort(([, a], [, b]) => b - a).slice(0, 12)
  return Object.fromEntries(sorted.map(([place, time]) => [place, rounded(time / total)]))
}

function placeOf({ functionName, url }: { functionName: string; url: string }): string {
  if (url === '') return functionName.replace(/[()]/g, '') || 'anonymous'
  for (const [pattern, name] of PLACES) {
    const found = pattern.exec(url)
    if (found) return name.replace('$1', found[1] ?? '')
  }
  return url
}
