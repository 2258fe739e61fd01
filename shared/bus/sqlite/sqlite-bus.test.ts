import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { busSuite } from '../bus.suite.ts'
import type { Bus } from '../bus.ts'
import { openSqliteBus, type SqliteBusOptions } from './sqlite-bus.ts'

const execute = promisify(execFile)

busSuite('the bus on sqlite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'lares-bus-'))
  const options = { file: join(directory, 'log.db') }
  return {
    open: async () => openSqliteBus(options),
    opener: { module: new URL('./sqlite-bus.ts', import.meta.url).href, name: 'openSqliteBus', options },
    stop: () => rm(directory, { recursive: true }),
  }
})

describe('the embedded log', () => {
  const opened: Bus[] = []
  let directory: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'lares-bus-'))
  })
  afterEach(async () => {
    vi.useRealTimers()
    for (const bus of opened.splice(0)) await bus.close()
    await rm(directory, { recursive: true })
  })

  function open(options: Partial<SqliteBusOptions> = {}): Bus {
    const bus = openSqliteBus({ file: join(directory, 'log.db'), ...options })
    opened.push(bus)
    return bus
  }

  test('refuses a second process and names the remedy', async () => {
    open()
    const script = `
      import { openSqliteBus } from '${new URL('./sqlite-bus.ts', import.meta.url)}'
      try { openSqliteBus({ file: process.argv[1] }) } catch (error) { console.log(error.code, error.message) }`
    const { stdout } = await execute(process.execPath, [
      '--input-type=module',
      '-e',
      script,
      join(directory, 'log.db'),
    ])
    expect(stdout).toMatch(/^busy .*in use by another process.*LARES_HOME/)
  })

  test('refuses to be opened twice in one process', () => {
    open()
    expect(() => open()).toThrow(/in use by another process/)
  })

  test('says what is wrong when the file is no log or cannot be made', async () => {
    await writeFile(
      join(directory, 'text.db'),
      'no database, just some text that is long enough to be read'.repeat(99),
    )
    expect(() => open({ file: join(directory, 'text.db') })).toThrow(
      /text\.db is damaged \(file is not a database\)/,
    )
    expect(() => open({ file: join(directory, 'text.db', 'log.db') })).toThrow(/cannot be opened/)
  })

  test('keeps its number of partitions and refuses another', async () => {
    await open({ partitions: 3 }).close()
    expect(() => open({ partitions: 4 })).toThrow(/has 3 partitions, not 4/)
    const bus = open()
    await bus.ensureTopics([{ name: 't' }])
    expect(await bus.lag('g', ['t'])).toHaveLength(3)
  })

  test('removes what is older than its topic keeps, and never uses an offset again', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })
    const bus = open({ partitions: 1 })
    await bus.ensureTopics([{ name: 'short', retentionMs: 60_000 }, { name: 'kept' }])
    const publish = (topic: string) =>
      bus.publish([{ topic, key: 'k', headers: {}, value: Buffer.from('v') }])
    for (let n = 0; n < 1_200; n++) void publish('short')
    await publish('kept')
    vi.advanceTimersByTime(50_000)
    await publish('short')
    vi.advanceTimersByTime(20_000)
    await vi.waitFor(async () => expect(await bus.read('short')).toHaveLength(1))
    expect(await bus.lag('g', ['short'])).toMatchObject([{ committed: null, end: 1_201, lag: 1 }])
    vi.advanceTimersByTime(60_000)
    await vi.waitFor(async () => expect(await bus.read('short')).toEqual([]))
    await bus.close()
    const again = open()
    expect(await again.lag('g', ['short'])).toMatchObject([{ end: 1_201, lag: 0 }])
    expect(await again.read('kept')).toHaveLength(1)
    await again.publish([{ topic: 'short', key: 'k', headers: {}, value: Buffer.from('v') }])
    expect(await again.read('short')).toMatchObject([{ offset: 1_201 }])
  })

  test('finds a time also when the clock was set back', async () => {
    let timeMs = 1_000
    const bus = open({ partitions: 1, now: () => timeMs })
    await bus.ensureTopics([{ name: 't' }])
    for (timeMs of [1_000, 2_000, 500, 3_000])
      await bus.publish([{ topic: 't', key: 'k', headers: {}, value: Buffer.from(String(timeMs)) }])
    const found = await bus.read('t', { from: { timeMs: 1_500 } })
    expect(found.map(({ timestampMs }) => timestampMs)).toEqual([2_000, 2_000, 3_000])
  })
})
