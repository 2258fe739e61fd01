import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Fresh seeds each time. The test prints them, and a failure names its own. */
const SEEDS = 500

/** A process of its own: the simulator takes clock and chance from whatever runs beside it. */
const simulate = (...given: string[]) =>
  new Promise<{ code: number; output: string }>(resolve => {
    const settings = { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 }
    execFile(process.execPath, ['tests/simulation/main.ts', ...given], settings, (error, stdout, stderr) =>
      resolve({ code: error ? 1 : 0, output: stdout + stderr }),
    )
  })

test(`P1 to P4 hold in ${SEEDS} histories`, async () => {
  const { code, output } = await simulate('--seeds', String(SEEDS), '--threads', '2')
  console.log(output)
  expect(code, output).toBe(0)
})

test('the same seed is the same history, to the byte', async () => {
  const seed = String(Math.floor(Math.random() * 2 ** 31))
  const [first, second] = await Promise.all([1, 2].map(() => simulate('--seed', seed, '--trace')))
  expect(first!.output.length).toBeGreaterThan(1_000)
  expect(second!.output).toBe(first!.output)
})

test('a failure is told by its seed, and shrunk to a history that people can read', async () => {
  const { output } = await simulate(
    '--mutation',
    'commit before finish',
    '--seeds',
    '1000',
    '--seed',
    '7',
    '--trace',
  )
  expect(output).toMatch(/seed \d+ \(storm, mode \w+\) breaks\n {2}P1 /)
  expect(output).toMatch(/shrunk in \d+ runs to [1-3] messages and [1-4] faults, which break\n {2}P1 /)
  expect(output).toMatch(/said\n {2}c\d\.\d: /)
  expect(output).toMatch(/replay: npm run simulate -- --seed \d+$/m)
})
