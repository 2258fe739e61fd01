import { appendFile, mkdir, mkdtemp, rm, stat, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type LogFiles, openLogFiles } from './log-files.ts'

const INSTANCE = 'chatty-0123abcd'
const CUT_AT_BYTES = 1_000
let folder: string
let logs: LogFiles
let gone: AbortController

beforeEach(async () => {
  gone = new AbortController()
  folder = await mkdtemp(join(tmpdir(), 'lares-logs-'))
  logs = await openLogFiles(folder, { cutAtBytes: CUT_AT_BYTES, cutEveryMs: 20 })
})
afterEach(async () => {
  logs.close()
  gone.abort()
  await rm(folder, { recursive: true })
})

const say = (from: number, count: number) =>
  appendFile(
    logs.fileOf(INSTANCE),
    Array.from({ length: count }, (_, n) => `2026-05-01T12:00:00.000Z line ${from + n}\n`).join(''),
  )
const bytes = async () => (await stat(logs.fileOf(INSTANCE))).size
const isCut = () => vi.waitFor(async () => expect(await bytes()).toBe(0))

async function texts(follow: boolean, count: number): Promise<string[]> {
  const lines: string[] = []
  for await (const { text } of logs.read({ name: 'chatty', follow }, gone.signal)) {
    lines.push(text)
    if (lines.length === count) break
  }
  return lines
}

const numbered = (from: number, count: number) => Array.from({ length: count }, (_, n) => `line ${from + n}`)

it('is cut when it is long, and what was in it is still read, before what came since', async () => {
  await say(0, 50)
  await isCut()
  await say(50, 3)
  expect(await texts(false, Number.POSITIVE_INFINITY)).toEqual(numbered(0, 53))
})

it('keeps only what was there before the last cut', async () => {
  await say(0, 50)
  await isCut()
  await say(50, 50)
  await isCut()
  expect(await texts(false, Number.POSITIVE_INFINITY)).toEqual(numbered(50, 50))
})

it('loses no line of one who follows it over a cut', async () => {
  await say(0, 2)
  const followed = texts(true, 54)
  await say(2, 50)
  await isCut()
  await say(52, 2)
  expect(await followed).toEqual(numbered(0, 54))
})

it('is removed with what was cut', async () => {
  await say(0, 50)
  await isCut()
  await logs.forget('chatty')
  expect(await texts(false, Number.POSITIVE_INFINITY)).toEqual([])
  await expect(stat(`${logs.fileOf(INSTANCE)}.1`)).rejects.toThrow('ENOENT')
})

it('that cannot be cut stays as it is, until it can be', async () => {
  const earlier = `${logs.fileOf(INSTANCE)}.1`
  await mkdir(earlier)
  await say(0, 50)
  await wait(100)
  expect(await bytes()).toBeGreaterThan(CUT_AT_BYTES)
  await rm(earlier, { recursive: true })
  await isCut()
  expect(await texts(false, Number.POSITIVE_INFINITY)).toEqual(numbered(0, 50))
})

it('of replicas that have ended is kept of the last ten, and of those that run always', async () => {
  await say(0, 1)
  for (let n = 0; n < 12; n++) {
    const instance = `chatty-${String(n).padStart(8, '0')}`
    await appendFile(logs.fileOf(instance), `2026-05-02T12:00:00.000Z from ${n}\n`)
    await utimes(logs.fileOf(instance), n + 1, n + 1)
    await logs.ended(instance)
  }
  const kept = Array.from({ length: 10 }, (_, n) => `from ${n + 2}`)
  expect(await texts(false, Number.POSITIVE_INFINITY)).toEqual(['line 0', ...kept])
})

it('of a replica that ends is followed to its end, and read once', async () => {
  await say(0, 2)
  const followed = texts(true, 4)
  await say(2, 1)
  await logs.ended(INSTANCE)
  await appendFile(logs.fileOf('chatty-89abcdef'), '2026-05-03T12:00:00.000Z from another\n')
  expect(await followed).toEqual(['line 0', 'line 1', 'line 2', 'from another'])
})

it('of an empty runtime that a killed provider left is removed at the next start, and no other', async () => {
  await appendFile(logs.spareFile('1'), 'nobody asked for it\n')
  await say(0, 1)
  logs.close()
  logs = await openLogFiles(folder)
  await expect(stat(logs.spareFile('1'))).rejects.toThrow('ENOENT')
  expect(await texts(false, Number.POSITIVE_INFINITY)).toEqual(['line 0'])
})
