import { parseArgs } from 'node:util'
import { inject, simulated } from '../../infra/cli/inject/injection.ts'
import { type House, startHouse, TOKEN } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { byKey, median, rounded } from './statistics.ts'

/** What the benches of trouble in one place share: what people elsewhere feel of it, against the same without it. */

export type Latency = { p50: number; p99: number }

const RATE_PER_SECOND = 20
const CONVERSATIONS = 40

const { values } = parseArgs({ options: { rounds: { type: 'string' }, seconds: { type: 'string' } } })
const rounds = Number(values.rounds ?? 3)
const seconds = Number(values.seconds ?? 15)

/** People who talk at a steady rate, each in a conversation of their own; all of them must be answered. */
async function talk(url: string): Promise<Latency> {
  const report = await inject({
    url,
    token: TOKEN,
    messages: simulated({
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

export type Trouble = { url: string; house: House; model: ModelServer; signal: AbortSignal; seconds: number }

/**
 * Measures people alone and beside the trouble, in turns on one embedded house, so that a noisy machine does both alike.
 * The trouble ends when its signal is aborted. `after` sees the house in the end.
 */
export async function besides(
  trouble: (parts: Trouble) => Promise<void>,
  after: (parts: Omit<Trouble, 'signal'>) => Promise<object>,
): Promise<void> {
  const model = await startModelServer({ delayMs: 20, tokenDelayMs: 1 })
  const house = await startHouse({ kind: 'embedded', modelUrl: model.url })
  const parts = { house, model, url: house.url, seconds }
  const alone: Latency[] = []
  const beside: Latency[] = []
  let seen: object
  try {
    await talk(house.url)
    for (let round = 0; round < rounds; round++) {
      alone.push(await talk(house.url))
      const stop = new AbortController()
      const troubling = trouble({ ...parts, signal: stop.signal })
      beside.push(await talk(house.url))
      stop.abort()
      await troubling
      process.stderr.write(
        `round ${round + 1}: ${JSON.stringify({ alone: alone.at(-1), beside: beside.at(-1) })}\n`,
      )
    }
    seen = await after(parts)
  } finally {
    await house.stop()
    await model.close()
  }
  const baseline = byKey(alone, median)
  const ours = byKey(beside, median)
  const ratio = { p50: rounded(ours.p50 / baseline.p50), p99: rounded(ours.p99 / baseline.p99) }
  process.stdout.write(
    `${JSON.stringify({ ...seen, ours, baseline, ratio, unit: 'ms to reply of the others' })}\n`,
  )
}
