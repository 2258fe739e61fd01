import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { inject, simulated } from '../../infra/lares/injection.ts'
import { type House, startHouse, TOKEN } from '../support/house.ts'
import { startModelServer } from '../support/model-server.ts'

/**
 * `npm run bench:memory`: resident memory (VmRSS, MB of 10^6 bytes) of the one process, idle and after 1,000 turns,
 * with a model server outside and with the built-in model; and the time from its start to ready.
 * Baseline: OpenClaw 2026.9.6 on Node 24, measured idle on a machine of this size: 862 MB, 42 s to ready.
 */
const BASELINE = { idleMB: 862, readyMs: 42_000 }
const { values } = parseArgs({
  options: { turns: { type: 'string', default: '1000' }, 'model-turns': { type: 'string', default: '50' } },
})

const residentMB = async (house: House): Promise<number> => {
  const status = await readFile(`/proc/${house.pid('embedded')}/status`, 'utf8')
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1_000)
}

async function measure(modelUrl: string | undefined, turns: number) {
  const house = await startHouse({ kind: 'embedded', ...(modelUrl ? { modelUrl } : {}) })
  try {
    await wait(3_000)
    const idleMB = await residentMB(house)
    const report = await inject({
      url: house.url,
      token: TOKEN,
      messages: simulated({ conversations: turns / 5, messages: 5, text: 'message {message}' }),
      timeoutMs: 600_000,
    })
    if (!report.ok) throw new Error(`${report.missing.length} of ${turns} messages were not answered`)
    return { readyMs: house.readyMs(), idleMB, afterTurnsMB: await residentMB(house), turns }
  } finally {
    await house.stop()
  }
}

const server = await startModelServer({})
await measure(server.url, 5)
const withoutModel = await measure(server.url, Number(values.turns))
await server.close()
process.stdout.write(`without its model: ${JSON.stringify(withoutModel)}\n`)
const withModel = await measure(undefined, Number(values['model-turns']))
process.stdout.write(`with its model:    ${JSON.stringify(withModel)}\n`)
process.stdout.write(
  `${JSON.stringify({ ours: withoutModel.idleMB, baseline: BASELINE.idleMB, ratio: withoutModel.idleMB / BASELINE.idleMB, unit: 'MB idle', withoutModel, withModel })}\n`,
)
