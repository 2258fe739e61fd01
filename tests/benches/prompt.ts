import { startHouse } from '../support/instance.ts'
import { startModelServer } from '../support/model-server.ts'
import { promptOverhead } from '../support/prompt-overhead.ts'
import { rounded } from './statistics.ts'

/**
 * `npm run bench:prompt`: the bytes of the request to the model around a message of one line, with all skills on.
 * Baseline: OpenClaw 2026.9.6, measured: 36 KB.
 */
const BASELINE_BYTES = 36 * 1024

const model = await startModelServer()
const house = await startHouse({ kind: 'embedded', modelUrl: model.url })
try {
  const ours = await promptOverhead(house, model)
  process.stdout.write(
    `${JSON.stringify({ bench: 'prompt', ours, baseline: BASELINE_BYTES, ratio: rounded(ours / BASELINE_BYTES), units: { ours: 'bytes', baseline: 'bytes' } })}\n`,
  )
} finally {
  await house.stop()
  await model.close()
}
