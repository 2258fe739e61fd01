import { PassThrough } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type Docker from 'dockerode'
import type { LogLine, LogQuery } from '../backend.ts'
import { timestampedLineSink } from '../fleet/stamped-lines.ts'
import { LABELS } from './container.ts'

const POLL_INTERVAL_MS = 500

/** Reads the log lines that Docker keeps of a function's containers. Docker removes them with the container. */
export function openDockerLogReader(docker: Docker, provider: string) {
  const findContainers = ({ name, instance }: LogQuery) =>
    docker.listContainers({
      all: true,
      filters: {
        label: [
          `${LABELS.provider}=${provider}`,
          `${LABELS.function}=${name}`,
          ...(instance ? [`${LABELS.instance}=${instance}`] : []),
        ],
      },
    })

  async function readContainerLines(
    { Id, Labels }: Docker.ContainerInfo,
    query: LogQuery,
  ): Promise<LogLine[]> {
    const lines: LogLine[] = []
    const buffer = await docker.getContainer(Id).logs({ ...logOptionsOf(query), follow: false })
    timestampedLineSink(query.name, Labels[LABELS.instance]!, line => void lines.push(line)).write(
      demultiplexLog(buffer),
    )
    return lines
  }

  async function* readLines(query: LogQuery, signal: AbortSignal): AsyncGenerator<LogLine> {
    const isInRange = sinceFilter(query)
    const containers = await findContainers(query)
    const all = (await Promise.all(containers.map(container => readContainerLines(container, query))))
      .flat()
      .filter(isInRange)
    const sorted = all.sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1))
    const { tail } = query
    yield* tail === undefined ? sorted : sorted.slice(Math.max(0, sorted.length - tail))
    if (!query.follow) return
    const lastTimestamps = new Map<string, string>()
    for (const { instance, timestamp } of sorted) lastTimestamps.set(instance, timestamp)
    const lines = new PassThrough({ objectMode: true, signal })
    void followContainers(query, lastTimestamps, lines, signal).catch(error => lines.destroy(error))
    try {
      yield* lines as AsyncIterable<LogLine>
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** Follows the function's containers, including replicas that start later. */
  async function followContainers(
    query: LogQuery,
    lastTimestamps: Map<string, string>,
    lines: PassThrough,
    signal: AbortSignal,
  ): Promise<void> {
    const followed = new Set<string>()
    while (!signal.aborted) {
      for (const container of await findContainers(query)) {
        if (followed.has(container.Id)) continue
        followed.add(container.Id)
        await followContainer(
          container,
          query,
          lastTimestamps.get(container.Labels[LABELS.instance]!) ?? '',
          lines,
          signal,
        )
      }
      await wait(POLL_INTERVAL_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  async function followContainer(
    { Id, Labels }: Docker.ContainerInfo,
    query: LogQuery,
    after: string,
    lines: PassThrough,
    signal: AbortSignal,
  ): Promise<void> {
    const isInRange = sinceFilter(query)
    const since = after === '' ? query.sinceMs : Date.parse(after)
    const options = logOptionsOf({
      name: query.name,
      follow: true,
      ...(since !== undefined && { sinceMs: since }),
    })
    const stream = await docker.getContainer(Id).logs({ ...options, follow: true, abortSignal: signal })
    const sink = timestampedLineSink(query.name, Labels[LABELS.instance]!, line => {
      if (line.timestamp > after && isInRange(line) && !lines.destroyed) lines.write(line)
    })
    docker.modem.demuxStream(stream, sink, sink)
    // A container that ends, or a caller that disconnects, ends only its own stream.
    stream.on('error', () => sink.destroy())
  }

  return readLines
}

/**
 * Extracts a container's output from Docker's frames. Each frame begins with eight bytes, the last four of them its
 * length (https://docs.docker.com/reference/api/engine/, ContainerAttach).
 */
export function demultiplexLog(buffer: Buffer): string {
  const parts: Buffer[] = []
  for (let at = 0; at + 8 <= buffer.length; ) {
    const length = buffer.readUInt32BE(at + 4)
    parts.push(buffer.subarray(at + 8, at + 8 + length))
    at += 8 + length
  }
  return Buffer.concat(parts).toString()
}

const logOptionsOf = ({ sinceMs, tail }: LogQuery) => ({
  stdout: true,
  stderr: true,
  timestamps: true,
  ...(sinceMs !== undefined && { since: Math.floor(sinceMs / 1_000) }),
  // At least one line, so that the reader knows where to continue.
  ...(tail !== undefined && { tail: Math.max(1, tail) }),
})

/** Filters by milliseconds, because Docker counts whole seconds. */
const sinceFilter =
  ({ sinceMs = Number.NEGATIVE_INFINITY }: LogQuery) =>
  ({ timestamp }: LogLine): boolean =>
    Date.parse(timestamp) >= sinceMs
