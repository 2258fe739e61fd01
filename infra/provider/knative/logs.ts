import { PassThrough } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { LogLine, LogQuery } from '../backend.ts'
import { timestampedLineSink } from '../fleet/stamped-lines.ts'
import type { Cluster, Pod } from './cluster.ts'

const POLL_INTERVAL_MS = 500

/** Reads the log lines that the kubelets keep of a function's pods. With `follow` it includes pods that start later. */
export async function* readKnativeLogs(
  cluster: Cluster,
  podsOf: (name: string) => Pod[],
  query: LogQuery,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const { name, instance, sinceMs, tail } = query
  const podNames = () =>
    podsOf(name)
      .map(({ metadata }) => metadata.name)
      .filter(pod => instance === undefined || pod === instance)
  const options = {
    timestamps: true,
    ...(sinceMs !== undefined && { sinceTime: new Date(sinceMs).toISOString() }),
  }
  if (!query.follow) {
    const linesByPod = await Promise.all(
      podNames().map(async pod => {
        const lines: LogLine[] = []
        const sink = timestampedLineSink(name, pod, line => void lines.push(line))
        const finished = new Promise(resolve => sink.once('finish', resolve))
        await cluster.streamLog(pod, sink, { ...options, ...(tail !== undefined && { tailLines: tail }) })
        await finished
        return lines
      }),
    )
    const sorted = linesByPod
      .flat()
      .sort((a, b) => (comparableTimestamp(a.timestamp) < comparableTimestamp(b.timestamp) ? -1 : 1))
    yield* tail === undefined ? sorted : sorted.slice(Math.max(0, sorted.length - tail))
    return
  }
  const lines = new PassThrough({ objectMode: true, signal })
  const followed = new Set<string>()
  const lastTimestamps = new Map<string, string>()
  const followPod = async (pod: string, startOptions: object) => {
    followed.add(pod)
    // A log that ended (another container, the node, the API server) is followed from there on, with a precision of one
    // second.
    const lastTimestamp = lastTimestamps.get(pod)
    const sink = timestampedLineSink(name, pod, line => {
      if (
        lines.destroyed ||
        (lastTimestamp !== undefined &&
          comparableTimestamp(line.timestamp) <= comparableTimestamp(lastTimestamp))
      )
        return
      lastTimestamps.set(pod, line.timestamp)
      lines.write(line)
    })
    let logStream: AbortController | undefined
    const stopReading = () => logStream?.abort()
    signal.addEventListener('abort', stopReading, { once: true })
    sink.once('close', () => {
      followed.delete(pod)
      signal.removeEventListener('abort', stopReading)
    })
    const since = lastTimestamp === undefined ? startOptions : { sinceTime: lastTimestamp }
    // A container that has not started yet has no log. The reader asks again.
    logStream = await cluster
      .streamLog(pod, sink, { ...options, ...since, follow: true })
      .catch(() => void sink.destroy())
    if (signal.aborted) stopReading()
  }
  const followNewPods = async () => {
    let startOptions = tail === undefined ? {} : { tailLines: tail }
    while (!signal.aborted) {
      for (const pod of podNames().filter(one => !followed.has(one))) {
        await followPod(pod, startOptions)
        startOptions = {}
      }
      await wait(POLL_INTERVAL_MS, undefined, { signal }).catch(() => undefined)
    }
  }
  void followNewPods().catch(error => lines.destroy(error))
  try {
    yield* lines as AsyncIterable<LogLine>
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** Makes times comparable as text: the nanoseconds have no trailing zeros. */
const comparableTimestamp = (timestamp: string): string => timestamp.replace('Z', '')
