import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const LOG = join(import.meta.dirname, 'pino-log.ts')

/** Runs a program that logs, and gives back its lines. */
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
  expect(JSON.parse(line!)).toMatchObject({ service: 'echo', message: 'hello', level: 'info' })
})
