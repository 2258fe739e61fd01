import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort } from '../../shared/base/free-port.ts'
import { TOKEN } from '../support/instance.ts'
import { until } from '../support/until.ts'
import { median, roundToThreeDigits } from './statistics.ts'

/**
 * `npm run bench:start`: from `npm start` to ready, and to the first whole answer of the built-in model, in seconds: warm,
 * and with --cold first on a clean clone of the last commit with empty caches (it downloads what a first start does).
 * Baseline: OpenClaw 2026.9.6 on Node 24, measured on a machine of this size (under load): ready after 42 s.
 */
const BASELINE_READY_S = 42
const { values } = parseArgs({
  options: { cold: { type: 'boolean', default: false }, runs: { type: 'string', default: '5' } },
})

type StartTimes = { readyS: number; answerS: number }

/** Everything that a start may keep between runs is below `folder`, but for the checkout's own node_modules. */
async function measureStart(checkout: string, environment: NodeJS.ProcessEnv): Promise<StartTimes> {
  const port = await freePort()
  const startedAt = performance.now()
  const seconds = () => roundToThreeDigits((performance.now() - startedAt) / 1_000)
  const running = spawn('npm', ['start', '--silent'], {
    cwd: checkout,
    env: { ...process.env, ...environment, PORT: String(port), LARES_TOKEN: TOKEN },
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  })
  try {
    const url = `http://127.0.0.1:${port}`
    await until(() => isReady(url, running), 600_000)
    const readyS = seconds()
    await requestAnswer(url)
    return { readyS, answerS: seconds() }
  } finally {
    await terminate(running)
  }
}

async function isReady(url: string, running: ChildProcess): Promise<boolean | undefined> {
  if (running.exitCode !== null) throw new Error('npm start has ended')
  return (await fetch(`${url}/readyz`).catch(() => undefined))?.ok
}

async function requestAnswer(url: string): Promise<void> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'lares', messages: [{ role: 'user', content: 'Say hello.' }] }),
  })
  if (!response.ok) throw new Error(`no answer: ${response.status} ${await response.text()}`)
  await response.arrayBuffer()
}

async function terminate(running: ChildProcess): Promise<void> {
  if (running.exitCode !== null) return
  const exited = new Promise(resolve => running.once('exit', resolve))
  process.kill(-running.pid!, 'SIGTERM')
  await exited
}

const folder = await mkdtemp(join(tmpdir(), 'lares-start-'))
try {
  let cold: StartTimes | undefined
  if (values.cold) {
    const checkout = join(folder, 'checkout')
    execFileSync('git', ['clone', '--quiet', '.', checkout])
    const caches = { LARES_CACHE: join(folder, 'cache'), npm_config_cache: join(folder, 'npm') }
    cold = await measureStart(checkout, {
      ...caches,
      PIP_NO_CACHE_DIR: '1',
      LARES_HOME: join(folder, 'home'),
    })
    process.stdout.write(`cold: ready after ${cold.readyS} s, first answer after ${cold.answerS} s\n`)
  }
  const warm: StartTimes[] = []
  const home = { LARES_HOME: join(folder, 'warm') }
  await measureStart('.', home)
  for (let run = 0; run < Number(values.runs); run++) warm.push(await measureStart('.', home))
  const readyS = median(warm.map(one => one.readyS))
  const answerS = median(warm.map(one => one.answerS))
  process.stdout.write(`warm: ready after ${readyS} s, first answer after ${answerS} s\n`)
  process.stdout.write(
    `${JSON.stringify({ bench: 'start', ours: readyS, baseline: BASELINE_READY_S, ratio: roundToThreeDigits(readyS / BASELINE_READY_S), units: { ours: 's to ready, warm', baseline: 's to ready' }, warm: { readyS, answerS }, ...(cold && { cold }) })}\n`,
  )
} finally {
  await rm(folder, { recursive: true, force: true })
}
