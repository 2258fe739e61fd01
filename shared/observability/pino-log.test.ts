import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { createWarningLimiter } from './pino-log.ts'

const LOG = join(import.meta.dirname, 'pino-log.ts')

/** Runs a program that logs, and returns its lines. */
async function linesOf(program: string): Promise<string[]> {
  const source = `import { openLogger } from ${JSON.stringify(LOG)}\n${program}`
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source])
  return stderr.trim().split('\n')
}

test('a line has each key once, also in the log of a function within another service', async () => {
  const [line] = await linesOf(
    `openLogger('lares', 'info').child({ service: 'echo' }).child({ part: 1 }).info({ part: 2 }, 'hello')`,
  )
  expect(line!.match(/"service":/g)).toHaveLength(1)
  expect(line!.match(/"metadata":/g)?.length).toBe(1)
  expect(JSON.parse(line!)).toMatchObject({
    service: 'echo',
    message: 'hello',
    level: 'info',
    metadata: { part: 2 },
  })
})

test('a server that is down is logged without a stack, and the same warning not at every try', async () => {
  const lines = await linesOf(`
    import { LaresError } from ${JSON.stringify(join(import.meta.dirname, '../base/errors.ts'))}
    const log = openLogger('lares', 'info')
    const full = new LaresError('unavailable', 'the disk is full', { cause: new Error('ENOSPC') })
    for (let round = 0; round < 30; round++) log.child({ function: 'f' + round }).warn({ err: full }, 'trying again')
    log.warn({ err: new Error('another') }, 'trying again')`)
  expect(lines.map(line => JSON.parse(line).metadata.err.message)).toEqual(['the disk is full', 'another'])
  expect(JSON.parse(lines[0]!).metadata.err).not.toHaveProperty('stack')
  expect(JSON.parse(lines[1]!).metadata.err).toHaveProperty('stack')
})

test('a warning that was left out is counted when it is written again', () => {
  let atMs = 0
  const limiter = createWarningLimiter(() => atMs)
  expect(limiter('full')).toEqual({ isDue: true, suppressed: 0 })
  expect(limiter('full')).toEqual({ isDue: false, suppressed: 0 })
  expect(limiter('other')).toEqual({ isDue: true, suppressed: 0 })
  expect(limiter('full')).toEqual({ isDue: false, suppressed: 0 })
  atMs = 10_000
  expect(limiter('full')).toEqual({ isDue: true, suppressed: 2 })
})
