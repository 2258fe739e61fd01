import { appendFile, mkdir, mkdtemp, rm, stat, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type LogFiles, openLogFiles } from './log-files.ts'

const REPLICA_ID = 'chatty-0123abcd'
const ROTATE_AT_BYTES = 1_000
let folder: string
let logs: LogFiles
let abort: AbortController

beforeEach(async () => {
  abort = new AbortController()
  folder = await mkdtemp(join(tmpdir(), 'lares-logs-'))
  logs = await openLogFiles(folder, { cutAtBytes: ROTATE_AT_BYTES, cutEveryMs: 20 })
})
afterEach(async () => {
  logs.close()
  abort.abort()
  await rm(folder, { recursive: true })
})

const appendLines = (from: number, count: number) =>
  appendFile(
    logs.fileOf(REPLICA_ID),
    Array.from({ length: count }, (_, n) => `2026-05-01T12:00:00.000Z line ${from + n}\n`).join(''),
  )
const logFileSize = async () => (await stat(logs.fileOf(REPLICA_ID))).size
const waitUntilRotated = () => vi.waitFor(async () => expect(await logFileSize()).toBe(0))

async function readTexts(follow: boolean, count: number): Promise<string[]> {
  const lines: string[] = []
  for await (const { text } of logs.read({ name: 'chatty', follow }, abort.signal)) {
    lines.push(text)
    if (lines.length === count) break
  }
  return lines
}

const numbered = (from: number, count: number) => Array.from({ length: count }, (_, n) => `line ${from + n}`)

it('is cut when it is long, and what was in it is still read, before what came since', async () => {
  await appendLines(0, 50)
  await waitUntilRotated()
  await appendLines(50, 3)
  expect(await readTexts(false, Number.POSITIVE_INFINITY)).toEqual(numbered(0, 53))
})

it('keeps only what was there before the last cut', async () => {
  await appendLines(0, 50)
  await waitUntilRotated()
  await appendLines(50, 50)
  await waitUntilRotated()
  expect(await readTexts(false, Number.POSITIVE_INFINITY)).toEqual(numbered(50, 50))
})

it('loses no line of one who follows it over a cut', async () => {
  await appendLines(0, 2)
  const followed = readTexts(true, 54)
  await appendLines(2, 50)
  await waitUntilRotated()
  await appendLines(52, 2)
  expect(await followed).toEqual(numbered(0, 54))
})

it('is removed with what was cut', async () => {
  await appendLines(0, 50)
  await waitUntilRotated()
  await logs.removeAll('chatty')
  expect(await readTexts(false, Number.POSITIVE_INFINITY)).toEqual([])
  await expect(stat(`${logs.fileOf(REPLICA_ID)}.1`)).rejects.toThrow('ENOENT')
})

it('that cannot be cut stays as it is, until it can be', async () => {
  const earlier = `${logs.fileOf(REPLICA_ID)}.1`
  await mkdir(earlier)
  await appendLines(0, 50)
  await wait(100)
  expect(await logFileSize()).toBeGreaterThan(ROTATE_AT_BYTES)
  await rm(earlier, { recursive: true })
  await waitUntilRotated()
  expect(await readTexts(false, Number.POSITIVE_INFINITY)).toEqual(numbered(0, 50))
})

it('of replicas that have ended is kept of the last ten, and of those that run always', async () => {
  await appendLines(0, 1)
  for (let n = 0; n < 12; n++) {
    const instance = `chatty-${String(n).padStart(8, '0')}`
    await appendFile(logs.fileOf(instance), `2026-05-02T12:00:00.000Z from ${n}\n`)
    await utimes(logs.fileOf(instance), n + 1, n + 1)
    await logs.markEnded(instance)
  }
  const kept = Array.from({ length: 10 }, (_, n) => `from ${n + 2}`)
  expect(await readTexts(false, Number.POSITIVE_INFINITY)).toEqual(['line 0', ...kept])
})

it('of a replica that ends is followed to its end, and read once', async () => {
  await appendLines(0, 2)
  const followed = readTexts(true, 4)
  await appendLines(2, 1)
  await logs.markEnded(REPLICA_ID)
  await appendFile(logs.fileOf('chatty-89abcdef'), '2026-05-03T12:00:00.000Z from another\n')
  expect(await followed).toEqual(['line 0', 'line 1', 'line 2', 'from another'])
})

it('of an empty runtime that a killed provider left is removed at the next start, and no other', async () => {
  await appendFile(logs.prewarmedFile('1'), 'nobody asked for it\n')
  await appendLines(0, 1)
  logs.close()
  logs = await openLogFiles(folder)
  await expect(stat(logs.prewarmedFile('1'))).rejects.toThrow('ENOENT')
  expect(await readTexts(false, Number.POSITIVE_INFINITY)).toEqual(['line 0'])
})
