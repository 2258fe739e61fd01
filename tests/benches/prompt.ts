import { startInstance } from '../support/instance.ts'
import { startModelServer } from '../support/model-server.ts'
import { promptOverhead } from '../support/prompt-overhead.ts'
import { roundToThreeDigits } from './statistics.ts'

/**
 * `npm run bench:prompt`: the bytes of the request to the model around a message of one line, with all skills on.
 * Baseline: OpenClaw 2026.9.6, measured: 36 KB.
 */
const BASELINE_BYTES = 36 * 1024

const model = await startModelServer()
const instance = await startInstance({ kind: 'embedded', modelUrl: model.url })
try {
  const ours = await promptOverhead(instance, model)
  process.stdout.write(
    `${JSON.stringify({ bench: 'prompt', ours, baseline: BASELINE_BYTES, ratio: roundToThreeDigits(ours / BASELINE_BYTES), units: { ours: 'bytes', baseline: 'bytes' } })}\n`,
  )
} finally {
  await instance.stop()
  await model.close()
}
