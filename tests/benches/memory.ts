import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { generateMessages, inject } from '../../infra/cli/inject/injection.ts'
import { freePort } from '../../shared/base/free-port.ts'
import { readStack } from '../../shared/contract/stack.ts'
import { FUNCTION_FLAGS } from '../../shared/host/node-flags.ts'
import { type LaresInstance, startInstance, TOKEN } from '../support/instance.ts'
import { startModelServer } from '../support/model-server.ts'
import { until } from '../support/until.ts'
import { roundToThreeDigits } from './statistics.ts'

/**
 * `npm run bench:memory`: resident memory (VmRSS, MB of 10^6 bytes) of the one process, idle and after 1,000 turns,
 * with all models outside, with the built-in embeddings, and with the built-in chat model too (after fewer turns);
 * the time from its start to ready; and of each function as a process of its own, idle.
 * Baseline: OpenClaw 2026.9.6 on Node 24, measured idle on a machine of this size: 862 MB, 42 s to ready.
 */
const BASELINE = { idleMB: 862, readyMs: 42_000 }
const { values } = parseArgs({
  options: { turns: { type: 'string', default: '1000' }, 'model-turns': { type: 'string', default: '50' } },
})

const residentMB = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Math.round((Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1_024) / 1e6)
}

/** Memory that was used a moment ago is not memory that an instance holds. */
const SETTLE_MS = 3_000
/** Turns a second: a busy instance, not one under attack. */
const TURNS_PER_SECOND = 50

async function measureInstance(instance: LaresInstance, turns: number) {
  try {
    await wait(SETTLE_MS)
    const pid = instance.pid('embedded')
    const idleMB = await residentMB(pid)
    const report = await inject({
      url: instance.url,
      token: TOKEN,
      messages: generateMessages({ conversations: turns / 5, messages: 5, text: 'message {message}' }),
      ratePerSecond: TURNS_PER_SECOND,
      timeoutMs: 600_000,
    })
    if (!report.ok) throw new Error(`${report.missing.length} of ${turns} messages were not answered`)
    await wait(SETTLE_MS)
    return { readyMs: instance.readyMs(), idleMB, afterTurnsMB: await residentMB(pid), turns }
  } finally {
    await instance.stop()
  }
}

/** A function as a process of its own, ready and idle. */
async function measureFunction(handler: string): Promise<number> {
  const home = await mkdtemp(join(tmpdir(), 'lares-memory-'))
  const port = await freePort()
  const child = spawn(process.execPath, [...FUNCTION_FLAGS, 'shared/host/main.ts', handler], {
    env: { ...process.env, PORT: String(port), LARES_HOME: home },
    stdio: 'ignore',
  })
  try {
    await until(
      async () => (await fetch(`http://127.0.0.1:${port}/_/ready`).catch(() => undefined))?.ok,
      30_000,
    )
    await wait(SETTLE_MS)
    return await residentMB(child.pid!)
  } finally {
    child.kill()
    await rm(home, { recursive: true, force: true })
  }
}

const turns = Number(values.turns)
const embedding = { LARES_EMBEDDING_MODEL: '' }
const server = await startModelServer({})
const bare = { kind: 'embedded', modelUrl: server.url } as const
await measureInstance(await startInstance(bare), 5)
const results = {
  withoutModels: await measureInstance(await startInstance(bare), turns),
  withEmbeddings: await measureInstance(await startInstance({ ...bare, environment: embedding }), turns),
  withItsModels: await measureInstance(
    await startInstance({ kind: 'embedded', environment: embedding }),
    Number(values['model-turns']),
  ),
}
await server.close()
const functionsMB: Record<string, number> = {}
for (const { name, handler } of await readStack('stack.yml'))
  functionsMB[name] = await measureFunction(handler)
for (const [name, result] of Object.entries({ ...results, functionsMB }))
  process.stdout.write(`${name}: ${JSON.stringify(result)}\n`)
const ours = results.withoutModels.idleMB
process.stdout.write(
  `${JSON.stringify({ bench: 'memory', ours, baseline: BASELINE.idleMB, ratio: roundToThreeDigits(ours / BASELINE.idleMB), units: { ours: 'MB idle', baseline: 'MB idle' }, ...results, functionsMB })}\n`,
)
