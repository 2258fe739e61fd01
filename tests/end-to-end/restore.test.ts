import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDigest } from '../../infra/cli/data/export-format.ts'
import { exportItems } from '../../infra/cli/data/export-lines.ts'
import { fillStores, openStores } from '../support/stores/filled-stores.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-backup-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const HOOK = './tests/support/stores/kill-at-statement.ts'

type Run = { code: number | null; signal: string | null; stdout: string; stderr: string }

/** The command as a process of its own; no gateway is at its address. */
async function lares(
  home: string,
  args: string[],
  { variables = {}, flags = [] }: { variables?: NodeJS.ProcessEnv; flags?: string[] } = {},
): Promise<Run> {
  const child: ChildProcess = spawn(process.execPath, [...flags, 'infra/cli/main.ts', ...args], {
    env: { ...process.env, LARES_HOME: join(folder, home), LARES_URL: 'http://127.0.0.1:9', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout!.on('data', chunk => (output.stdout += chunk))
  child.stderr!.on('data', chunk => (output.stderr += chunk))
  const [code, signal] = await once(child, 'close')
  return { code, signal, ...output }
}

async function fill(home: string): Promise<void> {
  const drivers = openStores({ LARES_HOME: join(folder, home) })
  await fillStores(drivers)
  const bus = await drivers.bus()
  await bus.ensureTopics([{ name: 'lares.message' }])
  const message = (n: number) => ({
    topic: 'lares.message',
    key: `talk-of-${n % 3}`,
    headers: { ce_id: `m${n}` },
    value: Buffer.from(`words ${n}`),
  })
  await bus.publish(Array.from({ length: 60 }, (_, n) => message(n)))
  for (const { partition, end } of await bus.lag('lares.intent', ['lares.message']))
    await bus.reset('lares.intent', 'lares.message', { offset: Math.min(end, 10) }, [partition])
  await drivers.close()
}

async function contentsOf(home: string) {
  const drivers = openStores({ LARES_HOME: join(folder, home) })
  try {
    const bus = await drivers.bus()
    const [store, vectors, objects] = await Promise.all([
      drivers.store(),
      drivers.vectors(),
      drivers.objects(),
    ])
    const digest = openDigest()
    for await (const item of exportItems(
      { store, vectors, objects, protection: undefined },
      { unfinished: true },
    )) {
      const line = 'line' in item ? item.line : item.object
      if ('data' in item) item.data.destroy()
      if (line.kind !== 'document' || line.collection !== 'operations') digest.add(line)
    }
    const records = (await bus.read('lares.message')).map(({ key, headers, value, partition, offset }) => ({
      key,
      headers,
      value: value.toString(),
      at: `${partition}/${offset}`,
    }))
    records.sort((a, b) => (a.at < b.at ? -1 : 1))
    const positions = await bus.lag('lares.intent', ['lares.message'])
    return { ...digest.end(), records, positions: positions.map(({ committed }) => committed ?? 0) }
  } finally {
    await drivers.close()
  }
}

async function makeBackup(): Promise<string> {
  await fill('from')
  const file = join(folder, 'it.backup')
  expect(await lares('from', ['backup', file])).toMatchObject({ code: 0 })
  return file
}

async function newHome(name: string): Promise<string> {
  await mkdir(join(folder, name), { recursive: true })
  await cp(join(folder, 'from', 'master.key'), join(folder, name, 'master.key'))
  return name
}

test('a restored deployment has every row, vector, object, record and position, and is refused a second restore', async () => {
  const file = await makeBackup()
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const into = await newHome('into')
  expect(await lares(into, ['restore', file])).toMatchObject({ code: 0, stderr: '' })
  expect(await contentsOf(into)).toEqual(await contentsOf('from'))
  expect(await lares(into, ['restore', file])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('was restored here'),
  })
  expect(await lares(into, ['audit', 'verify'])).toMatchObject({ code: 0 })
  expect(await lares('from', ['backup', file])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is there already'),
  })
}, 60_000)

test('a backup that was changed, cut off or lengthened anywhere is refused before anything is written', async () => {
  const file = await makeBackup()
  const bytes = await readFile(file)
  const into = await newHome('into')
  const damaged: [string, Buffer][] = [
    ['the header', flipped(bytes, 60)],
    ['the first frame', flipped(bytes, 400)],
    ['the last frame', flipped(bytes, bytes.length - 3)],
    ['the end', bytes.subarray(0, bytes.length - 20)],
    ['a whole frame', bytes.subarray(0, 64 * 1024 + 500)],
    ['more after it', Buffer.concat([bytes, Buffer.alloc(40)])],
    ['nothing but a header', bytes.subarray(0, bytes.indexOf('\n') + 1)],
    ['nothing', Buffer.alloc(0)],
  ]
  for (const [what, content] of damaged) {
    await writeFile(join(folder, 'bad.backup'), content)
    const { code, stderr } = await lares(into, ['restore', join(folder, 'bad.backup')])
    expect({ what, code }).toEqual({ what, code: 1 })
    expect(stderr).toMatch(/backup/)
  }
  expect(await lares(into, ['restore', file])).toMatchObject({ code: 0 })
}, 120_000)

const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes)
  copy[at]! ^= 1
  return copy
}

test('a restore that is killed leaves a deployment that refuses to start, and ends when it is run again', async () => {
  const file = await makeBackup()
  const expected = await contentsOf('from')
  for (const killAt of [40, 60, 200, 800, 2_000, 2_600]) {
    const into = await newHome(`into-${killAt}`)
    const killed = await lares(into, ['restore', file], {
      flags: ['--import', HOOK],
      variables: { KILL_AT: String(killAt) },
    })
    expect({ killAt, signal: killed.signal }).toEqual({ killAt, signal: 'SIGKILL' })
    if (killAt > 60) await expect(contentsOf(into)).rejects.toThrow(/restored only in part/)
    expect(await lares(into, ['restore', file])).toMatchObject({ code: 0 })
    expect(await contentsOf(into)).toEqual(expected)
  }
}, 180_000)

test('a backup without keys is restored beside the key ring of today, which opens it', async () => {
  await fill('from')
  const file = join(folder, 'data.backup')
  expect(await lares('from', ['backup', '--without-keys', file])).toMatchObject({ code: 0 })
  const into = await newHome('into')
  expect(await lares(into, ['restore', file])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('put the key ring'),
  })
  await cp(join(folder, 'from', 'keys.db'), join(folder, into, 'keys.db'))
  expect(await lares(into, ['restore', file])).toMatchObject({ code: 0, stderr: '' })
  expect(await contentsOf(into)).toEqual(await contentsOf('from'))
}, 60_000)

test('a restore refuses a deployment that has data, and another master key', async () => {
  const file = await makeBackup()
  await fill('other')
  expect(await lares('other', ['restore', file])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('which is not in'),
  })
  await cp(join(folder, 'from'), join(folder, 'same'), { recursive: true })
  expect(await lares('same', ['restore', file])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('restore into an empty one'),
  })
}, 60_000)
