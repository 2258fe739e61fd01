import { parseArgs } from 'node:util'
import { generateMessages, inject } from '../../infra/cli/inject/injection.ts'
import { type LaresInstance, startInstance, TOKEN } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { mapByKey, median, roundToThreeDigits } from './statistics.ts'

/** Shared by benches of local trouble: what other conversations feel of it, against the same without it. */

export type Latency = { p50: number; p99: number }

const RATE_PER_SECOND = 20
const CONVERSATIONS = 40

const { values } = parseArgs({ options: { rounds: { type: 'string' }, seconds: { type: 'string' } } })
const rounds = Number(values.rounds ?? 3)
const seconds = Number(values.seconds ?? 15)

/** People who talk at a steady rate, each in their own conversation; all of them must get an answer. */
async function injectBystanders(url: string): Promise<Latency> {
  const report = await inject({
    url,
    token: TOKEN,
    messages: generateMessages({
      conversations: CONVERSATIONS,
      messages: Math.ceil((RATE_PER_SECOND * seconds) / CONVERSATIONS),
      text: 'message {message} of {conversation}',
    }),
    ratePerSecond: RATE_PER_SECOND,
    timeoutMs: 120_000,
  })
  if (!report.ok) throw new Error(`the neighbours were not all answered: ${JSON.stringify(report)}`)
  const { p50, p99 } = report.latencyMs!
  return { p50, p99 }
}

export type Disturbance = {
  url: string
  instance: LaresInstance
  model: ModelServer
  signal: AbortSignal
  seconds: number
}

/**
 * Measures people alone and beside the trouble, in turns on one embedded instance, so that a noisy machine does both alike.
 * The trouble ends when its signal is aborted. `after` sees the instance in the end.
 */
export async function measureBystanders(
  disturb: (parts: Disturbance) => Promise<void>,
  inspect: (parts: Omit<Disturbance, 'signal'>) => Promise<object>,
): Promise<void> {
  const model = await startModelServer({ delayMs: 20, tokenDelayMs: 1 })
  const instance = await startInstance({ kind: 'embedded', modelUrl: model.url })
  const parts = { instance, model, url: instance.url, seconds }
  const undisturbed: Latency[] = []
  const disturbed: Latency[] = []
  let inspected: object
  try {
    await injectBystanders(instance.url)
    for (let round = 0; round < rounds; round++) {
      undisturbed.push(await injectBystanders(instance.url))
      const stop = new AbortController()
      const disturbing = disturb({ ...parts, signal: stop.signal })
      disturbed.push(await injectBystanders(instance.url))
      stop.abort()
      await disturbing
      process.stderr.write(
        `round ${round + 1}: ${JSON.stringify({ alone: undisturbed.at(-1), beside: disturbed.at(-1) })}\n`,
      )
    }
    inspected = await inspect(parts)
  } finally {
    await instance.stop()
    await model.close()
  }
  const baseline = mapByKey(undisturbed, median)
  const ours = mapByKey(disturbed, median)
  const ratio = {
    p50: roundToThreeDigits(ours.p50 / baseline.p50),
    p99: roundToThreeDigits(ours.p99 / baseline.p99),
  }
  process.stdout.write(
    `${JSON.stringify({ ...inspected, ours, baseline, ratio, unit: 'ms to reply of the others' })}\n`,
  )
}
