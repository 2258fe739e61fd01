import {
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { LogLine, LogQuery } from '../backend.ts'
import { NAMESPACE } from '../deployment.ts'

const LOOK_EVERY_MS = 100
/** Files of replicas that have ended are kept up to this many for each function. */
const KEPT_FILES = 10
/** Of a file that is larger, nobody reads more than the end. */
const MAX_READ_BYTES = 16 * 1024 * 1024
/** A file that has grown to this begins anew; what was in it is kept until the next time. */
const CUT_AT_BYTES = 8 * 1024 * 1024
const CUT_EVERY_MS = 10_000

export type LogFiles = {
  /** Where a replica writes. */
  fileOf(instance: string): string
  /** Where a runtime writes that is no function's yet. */
  spareFile(id: string): string
  read(query: LogQuery, signal: AbortSignal): AsyncGenerator<LogLine>
  /** Of a function's replicas that have ended, only the newest few are kept. */
  ended(instance: string): Promise<void>
  forget(name: string): Promise<void>
  close(): void
}

/** `NAME-0123abcd.log`, and the same with `.ended` when its replica has. */
const FILE = /^(.+)-([0-9a-f]{8})(\.ended)?\.log$/
const SPARE = '.spare-'

/**
 * One file for each replica, which the replica itself appends to, so that nothing is lost while no provider runs. A
 * function that talks without end has its last 8 to 16 MiB here: `CUT_AT_BYTES` twice.
 */
export async function openLogFiles(
  folder: string,
  { cutAtBytes = CUT_AT_BYTES, cutEveryMs = CUT_EVERY_MS } = {},
): Promise<LogFiles> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  // What a provider that was killed has left.
  for (const file of await readdir(folder))
    if (file.startsWith(SPARE)) await rm(join(folder, file), { force: true })
  const filesOf = async (name: string): Promise<File[]> =>
    (await readdir(folder)).flatMap(file => {
      const [, of, id, ended] = FILE.exec(file) ?? []
      return of === name
        ? [{ path: join(folder, file), instance: `${name}-${id}`, ended: ended !== undefined }]
        : []
    })
  const remove = async ({ path }: File) => {
    for (const one of [path, earlierOf(path)]) await rm(one, { force: true })
  }
  const cutting = setInterval(() => void cutLong(), cutEveryMs).unref()
  const cutLong = async () => {
    for (const file of await readdir(folder).catch(() => []))
      if (file.endsWith('.log')) {
        try {
          cut(join(folder, file), cutAtBytes)
        } catch {
          // It was renamed meanwhile, or the disk is full: the next look finds it again, if it is there.
        }
      }
  }
  const newer = async (query: LogQuery, offsets: Map<string, Tail>): Promise<LogLine[]> => {
    const lines: LogLine[] = []
    for (const { instance, path } of await filesOf(query.name)) {
      if (query.instance && query.instance !== instance) continue
      const tail = offsets.get(instance) ?? { offset: 0, timestamp: '' }
      offsets.set(instance, tail)
      for (const text of await linesAfter(path, tail).catch(passOver))
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
    spareFile: id => join(folder, `${SPARE}${id}.log`),
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
    async ended(instance) {
      const file = join(folder, `${instance}.log`)
      if (!existsSync(file)) return
      const kept = join(folder, `${instance}.ended.log`)
      if (existsSync(earlierOf(file))) renameSync(earlierOf(file), earlierOf(kept))
      renameSync(file, kept)
      const [, name] = FILE.exec(basename(file))!
      const old = (await filesOf(name!)).filter(({ ended }) => ended)
      const aged = await Promise.all(
        old.map(async one => ({ ...one, at: (await stat(one.path).catch(() => undefined))?.mtimeMs ?? 0 })),
      )
      for (const one of aged.sort((a, b) => b.at - a.at).slice(KEPT_FILES)) await remove(one)
    },
    async forget(name) {
      for (const file of await filesOf(name)) await remove(file)
    },
    close: () => clearInterval(cutting),
  }
}

type File = { path: string; instance: string; ended: boolean }

/** Renamed or removed since it was listed: what is left of it is read with the next look. */
function passOver(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}

const earlierOf = (file: string): string => `${file}.1`

/**
 * Its replica goes on writing to the file that it has open, so that one stays and is emptied. A line that is written in the
 * instant between the last look at it and the cut is lost.
 */
function cut(file: string, atBytes: number): void {
  const handle = openSync(file, 'r+')
  try {
    if (fstatSync(handle).size < atBytes) return
    // First, so that there is room for as much on a full disk.
    rmSync(earlierOf(file), { force: true })
    copyFileSync(file, earlierOf(file))
    ftruncateSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** How far a file was read, and when the last line was written. */
type Tail = { offset: number; timestamp: string }

async function linesAfter(file: string, tail: Tail): Promise<string[]> {
  const size = (await stat(file)).size
  const isFirst = tail.timestamp === ''
  if (!isFirst && size >= tail.offset) return await linesIn(file, tail)
  // It has been cut since, or before: what this reader has not seen of it lies in the other one.
  const before = await linesIn(earlierOf(file), tail).catch(() => [])
  tail.offset = 0
  return [...before, ...(await linesIn(file, tail))]
}

async function linesIn(file: string, tail: Tail): Promise<string[]> {
  const handle = await open(file, 'r')
  try {
    const { size, birthtime } = await handle.stat()
    tail.timestamp ||= birthtime.toISOString()
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
