import { PassThrough } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { LogLine, LogQuery } from '../backend.ts'
import { lineSink } from '../fleet/stamped-lines.ts'
import type { Cluster, Pod } from './cluster.ts'

const LOOK_EVERY_MS = 500

/** What the kubelets keep of the lines of a function's pods. Pods that start later are followed too. */
export async function* knativeLogs(
  cluster: Cluster,
  podsOf: (name: string) => Pod[],
  query: LogQuery,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const { name, instance, sinceMs, tail } = query
  const pods = () =>
    podsOf(name)
      .map(({ metadata }) => metadata.name)
      .filter(pod => instance === undefined || pod === instance)
  const options = {
    timestamps: true,
    ...(sinceMs !== undefined && { sinceTime: new Date(sinceMs).toISOString() }),
  }
  if (!query.follow) {
    const written = await Promise.all(
      pods().map(async pod => {
        const lines: LogLine[] = []
        const sink = lineSink(name, pod, line => void lines.push(line))
        const finished = new Promise(resolve => sink.once('finish', resolve))
        await cluster.log(pod, sink, { ...options, ...(tail !== undefined && { tailLines: tail }) })
        await finished
        return lines
      }),
    )
    const sorted = written.flat().sort((a, b) => (instantOf(a.timestamp) < instantOf(b.timestamp) ? -1 : 1))
    yield* tail === undefined ? sorted : sorted.slice(Math.max(0, sorted.length - tail))
    return
  }
  const lines = new PassThrough({ objectMode: true, signal })
  const followed = new Set<string>()
  const lastOf = new Map<string, string>()
  const follow = async (pod: string, first: object) => {
    followed.add(pod)
    // A log that ended (another container, the node, the API server) is followed on from there, told to the second.
    const last = lastOf.get(pod)
    const sink = lineSink(name, pod, line => {
      if (lines.destroyed || (last !== undefined && instantOf(line.timestamp) <= instantOf(last))) return
      lastOf.set(pod, line.timestamp)
      lines.write(line)
    })
    let reading: AbortController | undefined
    const leave = () => reading?.abort()
    signal.addEventListener('abort', leave, { once: true })
    sink.once('close', () => {
      followed.delete(pod)
      signal.removeEventListener('abort', leave)
    })
    const since = last === undefined ? first : { sinceTime: last }
    // One whose container has not started yet has no log: it is asked again.
    reading = await cluster
      .log(pod, sink, { ...options, ...since, follow: true })
      .catch(() => void sink.destroy())
    if (signal.aborted) leave()
  }
  const followNew = async () => {
    let first = tail === undefined ? {} : { tailLines: tail }
    while (!signal.aborted) {
      for (const pod of pods().filter(one => !followed.has(one))) {
        await follow(pod, first)
        first = {}
      }
      await wait(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined)
    }
  }
  void followNew().catch(error => lines.destroy(error))
  try {
    yield* lines as AsyncIterable<LogLine>
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** So that times compare as text: the nanoseconds have no zeros at their end. */
const instantOf = (timestamp: string): string => timestamp.replace('Z', '')
