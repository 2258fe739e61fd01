// npm test [ARGUMENTS]: the checks, then the tests; vitest gets the arguments. `--integration` runs the integration
// tests alone.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestRun, TestTotals } from './totals.ts'

const checks = [
  { name: 'types', file: 'node_modules/typescript/bin/tsc', args: ['--noEmit'] },
  {
    name: 'lint and import rules',
    file: 'node_modules/@biomejs/biome/bin/biome',
    args: ['check', '--error-on-warnings', '--max-diagnostics=10'],
  },
  { name: 'pipeline picture', file: 'infra/pipeline/main.ts', args: ['--check'] },
]

const SLOWEST_FILES = 10

const args = process.argv.slice(2)
const integration = args[0] === '--integration'
if (integration) args.shift()
// Output that does not go to a terminal has no colours.
if (!process.stdout.isTTY) process.env.NO_COLOR = '1'

const results: TestTotals[] = []
if (!integration)
  for (const check of checks.filter(check => existsSync(check.file))) results.push(await runCheck(check))
results.push(await runTests(integration ? ['integration'] : ['unit', 'contract', 'end-to-end', 'simulation']))

const sum = (key: keyof TestTotals) => results.reduce((total, result) => total + result[key], 0)
if (sum('skipped') > 0) console.log(`${sum('skipped')} skipped`)
process.exitCode = sum('failed') === 0 ? 0 : 1
console.log(`${sum('passed')} passed, ${sum('failed')} failed`)

async function runCheck({ name, file, args }: (typeof checks)[number]): Promise<TestTotals> {
  const startedAt = performance.now()
  const { code, output } = await run([file, ...args], 'pipe')
  announce(name, code === 0, startedAt)
  if (code !== 0) console.log(output)
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 }
}

async function runTests(projects: string[]): Promise<TestTotals> {
  const startedAt = performance.now()
  const folder = await mkdtemp(join(tmpdir(), 'lares-test-'))
  const file = join(folder, 'totals.json')
  const reporters = ['--reporter=minimal', '--reporter=./infra/setup/totals.ts']
  const projectFlags = projects.map(name => `--project=${name}`)
  process.env.LARES_TEST_TOTALS = file
  const { code } = await run(
    ['node_modules/vitest/vitest.mjs', 'run', ...projectFlags, ...reporters, ...args],
    'inherit',
  )
  const { files, ...totals } = await readRun(file)
  await rm(folder, { recursive: true })
  // Vitest may fail without a failed test, for example because of an unknown option.
  if (code !== 0 && totals.failed === 0) totals.failed = 1
  announce(projects.join(', '), totals.failed === 0, startedAt)
  printSlowest(files)
  return totals
}

async function readRun(file: string): Promise<TestRun> {
  if (!existsSync(file)) return { passed: 0, failed: 0, skipped: 0, files: [] }
  return JSON.parse(await readFile(file, 'utf8'))
}

function printSlowest(files: TestRun['files']): void {
  const slowest = files.toSorted((a, b) => b.durationMs - a.durationMs).slice(0, SLOWEST_FILES)
  if (slowest.length > 1) console.log(`the ${slowest.length} slowest files:`)
  for (const { file, durationMs } of slowest.length > 1 ? slowest : [])
    console.log(`${(durationMs / 1000).toFixed(1).padStart(8)} s  ${file}`)
}

function announce(name: string, ok: boolean, startedAt: number): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
}

function run(command: string[], output: 'pipe' | 'inherit'): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [...process.execArgv, ...command], {
    stdio: ['ignore', output, output],
  })
  const parts: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part: Buffer) => parts.push(part))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve({ code: code ?? 1, output: Buffer.concat(parts).toString() }))
  })
}
