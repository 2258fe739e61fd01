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

const POLL_INTERVAL_MS = 100
/** Files of replicas that have ended are kept up to this many for each function. */
const MAX_ENDED_FILES = 10
/** Readers of a larger file get only its end. */
const MAX_READ_BYTES = 16 * 1024 * 1024
/** A file that has grown to this begins anew; what was in it is kept until the next time. */
const ROTATE_AT_BYTES = 8 * 1024 * 1024
const ROTATE_INTERVAL_MS = 10_000

export type LogFiles = {
  /** Where a replica writes. */
  fileOf(instance: string): string
  /** Where a runtime writes that is no function's yet. */
  prewarmedFile(id: string): string
  read(query: LogQuery, signal: AbortSignal): AsyncGenerator<LogLine>
  /** Keeps only the newest few files of a function's ended replicas. */
  markEnded(instance: string): Promise<void>
  removeAll(name: string): Promise<void>
  close(): void
}

/** `NAME-0123abcd.log`, and the same with `.ended` when its replica has. */
const LOG_FILE_NAME = /^(.+)-([0-9a-f]{8})(\.ended)?\.log$/
const PREWARMED_PREFIX = '.spare-'

/**
 * One file for each replica, which the replica itself appends to, so that nothing is lost while no provider runs. A
 * function that talks without end has its last 8 to 16 MiB here: `ROTATE_AT_BYTES` twice.
 */
export async function openLogFiles(
  folder: string,
  { cutAtBytes = ROTATE_AT_BYTES, cutEveryMs = ROTATE_INTERVAL_MS } = {},
): Promise<LogFiles> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  // A provider that was killed leaves these files.
  for (const file of await readdir(folder))
    if (file.startsWith(PREWARMED_PREFIX)) await rm(join(folder, file), { force: true })
  const filesOf = async (name: string): Promise<LogFile[]> =>
    (await readdir(folder)).flatMap(file => {
      const [, functionName, id, ended] = LOG_FILE_NAME.exec(file) ?? []
      return functionName === name
        ? [{ path: join(folder, file), instance: `${name}-${id}`, ended: ended !== undefined }]
        : []
    })
  const remove = async ({ path }: LogFile) => {
    for (const one of [path, rotatedFileOf(path)]) await rm(one, { force: true })
  }
  const rotationTimer = setInterval(() => void rotateLargeFiles(), cutEveryMs).unref()
  const rotateLargeFiles = async () => {
    for (const file of await readdir(folder).catch(() => []))
      if (file.endsWith('.log')) {
        try {
          copyTruncate(join(folder, file), cutAtBytes)
        } catch {
          // It was renamed meanwhile, or the disk is full: the next look finds it again, if it is there.
        }
      }
  }
  const readNewLines = async (query: LogQuery, offsets: Map<string, ReadPosition>): Promise<LogLine[]> => {
    const lines: LogLine[] = []
    for (const { instance, path } of await filesOf(query.name)) {
      if (query.instance && query.instance !== instance) continue
      const tail = offsets.get(instance) ?? { offset: 0, timestamp: '' }
      offsets.set(instance, tail)
      for (const text of await readLinesAfter(path, tail).catch(ignoreMissingFile))
        lines.push(parseLine(query.name, instance, text, tail))
    }
    const since = query.sinceMs ?? Number.NEGATIVE_INFINITY
    // Lines of one replica stay in their order: the sort is stable.
    return lines
      .filter(({ timestamp }) => Date.parse(timestamp) >= since)
      .sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp))
  }
  return {
    fileOf: instance => join(folder, `${instance}.log`),
    prewarmedFile: id => join(folder, `${PREWARMED_PREFIX}${id}.log`),
    async *read(query, signal) {
      const offsets = new Map<string, ReadPosition>()
      const existing = await readNewLines(query, offsets)
      const { tail } = query
      yield* tail === undefined || tail < 0 ? existing : existing.slice(Math.max(0, existing.length - tail))
      while (query.follow && !signal.aborted) {
        await wait(POLL_INTERVAL_MS, undefined, { signal }).catch(() => undefined)
        if (!signal.aborted) yield* await readNewLines(query, offsets)
      }
    },
    async markEnded(instance) {
      const file = join(folder, `${instance}.log`)
      if (!existsSync(file)) return
      const endedFile = join(folder, `${instance}.ended.log`)
      if (existsSync(rotatedFileOf(file))) renameSync(rotatedFileOf(file), rotatedFileOf(endedFile))
      renameSync(file, endedFile)
      const [, name] = LOG_FILE_NAME.exec(basename(file))!
      const endedFiles = (await filesOf(name!)).filter(({ ended }) => ended)
      const endedByAge = await Promise.all(
        endedFiles.map(async one => ({
          ...one,
          at: (await stat(one.path).catch(() => undefined))?.mtimeMs ?? 0,
        })),
      )
      for (const one of endedByAge.sort((a, b) => b.at - a.at).slice(MAX_ENDED_FILES)) await remove(one)
    },
    async removeAll(name) {
      for (const file of await filesOf(name)) await remove(file)
    },
    close: () => clearInterval(rotationTimer),
  }
}

type LogFile = { path: string; instance: string; ended: boolean }

/** Renamed or removed since it was listed: what is left of it is read with the next look. */
function ignoreMissingFile(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}

const rotatedFileOf = (file: string): string => `${file}.1`

/**
 * Its replica goes on writing to the file that it has open, so that one stays and is emptied. A line that is written in the
 * instant between the last look at it and the cut is lost.
 */
function copyTruncate(file: string, atBytes: number): void {
  const handle = openSync(file, 'r+')
  try {
    if (fstatSync(handle).size < atBytes) return
    // First, so that there is room for as much on a full disk.
    rmSync(rotatedFileOf(file), { force: true })
    copyFileSync(file, rotatedFileOf(file))
    ftruncateSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** How far a file was read, and when the last line was written. */
type ReadPosition = { offset: number; timestamp: string }

async function readLinesAfter(file: string, position: ReadPosition): Promise<string[]> {
  const size = (await stat(file)).size
  const isFirst = position.timestamp === ''
  if (!isFirst && size >= position.offset) return await readLines(file, position)
  // It has been cut since, or before: what this reader has not seen of it lies in the other one.
  const rotatedLines = await readLines(rotatedFileOf(file), position).catch(() => [])
  position.offset = 0
  return [...rotatedLines, ...(await readLines(file, position))]
}

async function readLines(file: string, position: ReadPosition): Promise<string[]> {
  const handle = await open(file, 'r')
  try {
    const { size, birthtime } = await handle.stat()
    position.timestamp ||= birthtime.toISOString()
    const from = Math.max(position.offset, size - MAX_READ_BYTES)
    if (size <= from) return []
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from)
    // A line that is not whole yet is read with the next look.
    const completeBytes = buffer.subarray(0, bytesRead).lastIndexOf('\n') + 1
    position.offset = from + completeBytes
    return buffer
      .toString('utf8', 0, completeBytes)
      .split('\n')
      .filter(line => line !== '')
  } finally {
    await handle.close()
  }
}

const TIMESTAMPED_LINE = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (.*)$/s

/** Lares's lines carry their time, and what else a function prints is stamped by `runtime.ts`; a line of Node itself, as when it crashes, has the time of the line before. */
function parseLine(name: string, instance: string, line: string, position: ReadPosition): LogLine {
  const [, prefixTimestamp, unprefixedText] = TIMESTAMPED_LINE.exec(line) ?? []
  position.timestamp = prefixTimestamp ?? timestampInJson(line) ?? position.timestamp
  return { name, namespace: NAMESPACE, instance, timestamp: position.timestamp, text: unprefixedText ?? line }
}

function timestampInJson(line: string): string | undefined {
  const [, timestamp] = /^\{"[^{]*?"timestamp":"([^"]+)"/.exec(line) ?? []
  return timestamp !== undefined && !Number.isNaN(Date.parse(timestamp)) ? timestamp : undefined
}
