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
/** The most log files of ended replicas for each function. */
const MAX_ENDED_FILES = 10
/** Readers of a larger file get only its end. */
const MAX_READ_BYTES = 16 * 1024 * 1024
/** A file of this size is rotated; its old content is kept until the next rotation. */
const ROTATE_AT_BYTES = 8 * 1024 * 1024
const ROTATE_INTERVAL_MS = 10_000

export type LogFiles = {
  /** The log file of a replica. */
  fileOf(instance: string): string
  /** The log file of a runtime without a function. */
  prewarmedFile(id: string): string
  read(query: LogQuery, signal: AbortSignal): AsyncGenerator<LogLine>
  /** Keeps only the newest few files of a function's ended replicas. */
  markEnded(instance: string): Promise<void>
  removeAll(name: string): Promise<void>
  close(): void
}

/** `NAME-0123abcd.log`, or `NAME-0123abcd.ended.log` after the replica has ended. */
const LOG_FILE_NAME = /^(.+)-([0-9a-f]{8})(\.ended)?\.log$/
const PREWARMED_PREFIX = '.spare-'

/**
 * Opens one file for each replica. The replica itself appends to it, so that no line is lost while no provider runs.
 * For a function that logs endlessly, the last 8 to 16 MiB are kept: `ROTATE_AT_BYTES` twice.
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
          // The file was renamed, or the disk is full. The next check finds the file again, if it still exists.
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
    // The sort is stable, so the lines of one replica keep their order.
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

/** The file was renamed or removed since it was listed. The next check reads the rest of it. */
function ignoreMissingFile(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}

const rotatedFileOf = (file: string): string => `${file}.1`

/**
 * Rotates a file. The replica continues to write to the open file, so the function copies it and then empties it. A
 * line written in the instant between the copy and the cut is lost.
 */
function copyTruncate(file: string, atBytes: number): void {
  const handle = openSync(file, 'r+')
  try {
    if (fstatSync(handle).size < atBytes) return
    // Removed first, so that there is room for the copy on a full disk.
    rmSync(rotatedFileOf(file), { force: true })
    copyFileSync(file, rotatedFileOf(file))
    ftruncateSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** The position of a reader in a file, and the time of the last line. */
type ReadPosition = { offset: number; timestamp: string }

async function readLinesAfter(file: string, position: ReadPosition): Promise<string[]> {
  const size = (await stat(file)).size
  const isFirst = position.timestamp === ''
  if (!isFirst && size >= position.offset) return await readLines(file, position)
  // The file was rotated since the last check, or before the first. The rotated file has the lines that this reader has
  // not seen.
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
    // The next check reads a line that is still incomplete.
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

/**
 * Parses a line and its time. Lares's lines contain their time, and `prewarmed-runtime.ts` stamps a function's other
 * output. A line of Node itself, for example during a crash, gets the time of the line before.
 */
function parseLine(name: string, instance: string, line: string, position: ReadPosition): LogLine {
  const [, prefixTimestamp, unprefixedText] = TIMESTAMPED_LINE.exec(line) ?? []
  position.timestamp = prefixTimestamp ?? timestampInJson(line) ?? position.timestamp
  return { name, namespace: NAMESPACE, instance, timestamp: position.timestamp, text: unprefixedText ?? line }
}

function timestampInJson(line: string): string | undefined {
  const [, timestamp] = /^\{"[^{]*?"timestamp":"([^"]+)"/.exec(line) ?? []
  return timestamp !== undefined && !Number.isNaN(Date.parse(timestamp)) ? timestamp : undefined
}
