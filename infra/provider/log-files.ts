import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { LogLine, LogQuery } from './backend.ts'
import { NAMESPACE } from './deployment.ts'

const LOOK_EVERY_MS = 100
/** Files of replicas that have ended are kept up to this many for each function. */
const KEPT_FILES = 10
const MAX_READ_BYTES = 16 * 1024 * 1024

export type LogFiles = {
  fileOf(instance: string): string
  read(query: LogQuery, signal: AbortSignal): AsyncGenerator<LogLine>
  /** Removes what is older than the newest few, or all of it. */
  forget(name: string, keep?: number): Promise<void>
}

/** One file for each replica, which the replica itself appends to, so that nothing is lost while no provider runs. */
export async function openLogFiles(folder: string): Promise<LogFiles> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const filesOf = async (name: string) =>
    (await readdir(folder)).filter(
      file => file.startsWith(`${name}-`) && /^-[0-9a-f]{8}\.log$/.test(file.slice(name.length)),
    )
  const newer = async (query: LogQuery, offsets: Map<string, Tail>): Promise<LogLine[]> => {
    const lines: LogLine[] = []
    for (const file of await filesOf(query.name)) {
      const instance = file.slice(0, -'.log'.length)
      if (query.instance && query.instance !== instance) continue
      const tail = offsets.get(file) ?? { offset: 0, timestamp: '' }
      offsets.set(file, tail)
      for (const text of await linesAfter(join(folder, file), tail))
        lines.push(lineOf(query.name, instance, text, tail))
    }
    const since = query.sinceMs ?? Number.NEGATIVE_INFINITY
    // Lines of one replica stay in their order: the sort is stable.
    return lines
      .filter(({ timestamp }) => Date.parse(timestamp) >= since)
      .sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp))
  }
  return {
    fileOf: instance => join(folder, `${instance}.log`),
    async *read(query, signal) {
      const offsets = new Map<string, Tail>()
      const there = await newer(query, offsets)
      const { tail } = query
      yield* tail === undefined || tail < 0 ? there : there.slice(Math.max(0, there.length - tail))
      while (query.follow && !signal.aborted) {
        await wait(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined)
        if (!signal.aborted) yield* await newer(query, offsets)
      }
    },
    async forget(name, keep = KEPT_FILES) {
      const files = await Promise.all(
        (await filesOf(name)).map(async file => ({ file, at: (await stat(join(folder, file))).mtimeMs })),
      )
      for (const { file } of files.sort((a, b) => b.at - a.at).slice(keep))
        await rm(join(folder, file), { force: true })
    },
  }
}

/** How far a file was read, and when the last line was written. */
type Tail = { offset: number; timestamp: string }

async function linesAfter(file: string, tail: Tail): Promise<string[]> {
  const handle = await open(file, 'r')
  try {
    const { size, birthtime } = await handle.stat()
    tail.timestamp ||= birthtime.toISOString()
    // Of a file that is larger than anyone reads, the end.
    const from = Math.max(tail.offset, size - MAX_READ_BYTES)
    if (size <= from) return []
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from)
    // A line that is not whole yet is read with the next look.
    const whole = buffer.subarray(0, bytesRead).lastIndexOf('\n') + 1
    tail.offset = from + whole
    return buffer
      .toString('utf8', 0, whole)
      .split('\n')
      .filter(line => line !== '')
  } finally {
    await handle.close()
  }
}

const STAMP = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (.*)$/s

/** Lares's lines carry their time, and what else a function prints is stamped by `runtime.ts`; a line of Node itself, as when it crashes, has the time of the line before. */
function lineOf(name: string, instance: string, line: string, tail: Tail): LogLine {
  const [, stamp, stamped] = STAMP.exec(line) ?? []
  tail.timestamp = stamp ?? timestampIn(line) ?? tail.timestamp
  return { name, namespace: NAMESPACE, instance, timestamp: tail.timestamp, text: stamped ?? line }
}

function timestampIn(line: string): string | undefined {
  const [, timestamp] = /^\{"[^{]*?"timestamp":"([^"]+)"/.exec(line) ?? []
  return timestamp !== undefined && !Number.isNaN(Date.parse(timestamp)) ? timestamp : undefined
}
