import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const runImages = (...args: string[]) =>
  promisify(execFile)(process.execPath, ['infra/images/main.ts', ...args]).then(
    ({ stdout }) => ({ code: 0, stdout, stderr: '' }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  )

it.each([
  [['--from', 'node:24'], '--from is for --embeddings'],
  [['--embeding'], "Unknown option '--embeding'"],
  [['time'], "Unexpected argument 'time'"],
  [['--embeddings', '--from'], 'argument missing'],
])('refuses %s, and says how it is called', async (args, why) => {
  const { code, stdout, stderr } = await runImages(...args)
  expect(code).toBe(1)
  expect(stdout).toBe('')
  expect(stderr).toContain(why)
  expect(stderr).toContain('npm run images -- [--embeddings [--from IMAGE]]')
})
