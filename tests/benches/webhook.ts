import { Agent, request } from 'undici'
import { startInstance, TOKEN } from '../support/instance.ts'
import { startModelServer } from '../support/model-server.ts'
import { N8N_VERSION, startN8n, type Webhook } from './peers/n8n.ts'
import { mapByKey, median, percentiles } from './statistics.ts'

/**
 * `npm run bench:webhook`: a question comes in by HTTP, its answer goes out as the response: a whole turn of Lares in one
 * process (gateway, intent, memory, dialog, calculator, dialog; every step on the log, question and answer in the
 * history) against a workflow of three nodes in n8n. The same number in flight; rounds alternate.
 */
const ROUNDS = 3
const ROUND_MS = 15_000
const WARM_UP_MS = 5_000
const IN_FLIGHT = 16

type Figures = { perSecond: number; p50Ms: number; p99Ms: number }
type BenchRequest = Pick<Webhook, 'url' | 'headers'> & { body: string }

async function measureLoad({ url, headers, body }: BenchRequest, durationMs: number): Promise<Figures> {
  const dispatcher = new Agent({ connections: IN_FLIGHT })
  const durations: number[] = []
  const startedAt = performance.now()
  const one = async () => {
    while (performance.now() - startedAt < durationMs) {
      const sentAt = performance.now()
      const response = await request(url, { method: 'POST', headers, body, dispatcher })
      const text = await response.body.text()
      if (response.statusCode !== 200 || !text.includes('1080'))
        throw new Error(`${url} answered ${response.statusCode}: ${text.slice(0, 200)}`)
      durations.push(performance.now() - sentAt)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, one))
  const seconds = (performance.now() - startedAt) / 1_000
  await dispatcher.close()
  const { p50, p99 } = percentiles(durations)
  return { perSecond: durations.length / seconds, p50Ms: p50, p99Ms: p99 }
}

const model = await startModelServer()
const instance = await startInstance({ kind: 'embedded', modelUrl: model.url })
const n8n = await startN8n()
const question = { messages: [{ role: 'user', content: 'what is 12.5% of 8640?' }] }
const requests: Record<'lares' | 'n8n', BenchRequest> = {
  lares: {
    url: `${instance.url}/v1/chat/completions`,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(question),
  },
  n8n: { url: n8n.url, headers: n8n.headers, body: JSON.stringify({ text: question.messages[0]!.content }) },
}
const results: Record<keyof typeof requests, Figures[]> = { lares: [], n8n: [] }
const names = ['lares', 'n8n'] as const
try {
  for (const name of names) await measureLoad(requests[name], WARM_UP_MS)
  for (let round = 0; round < ROUNDS; round++)
    for (const name of names) {
      const figures = await measureLoad(requests[name], ROUND_MS)
      results[name].push(figures)
      const { perSecond, p50Ms, p99Ms } = figures
      console.log(
        `round ${round + 1} ${name.padEnd(5)} ${perSecond.toFixed(1)}/s p50 ${p50Ms.toFixed(1)} ms p99 ${p99Ms.toFixed(1)} ms`,
      )
    }
} finally {
  await n8n.close()
  await instance.stop()
  await model.close()
}

const [ours, baseline] = [mapByKey(results.lares, median), mapByKey(results.n8n, median)]
console.log(
  JSON.stringify({
    bench: 'webhook',
    ours,
    baseline,
    ratio: mapByKey([ours, baseline], ([one, other]) => one! / other!),
    units: { perSecond: '1/s', p50Ms: 'ms', p99Ms: 'ms', ratio: 'ours / baseline' },
    versions: { n8n: N8N_VERSION, node: process.version },
    settings: { inFlight: IN_FLIGHT, rounds: ROUNDS, roundMs: ROUND_MS },
  }),
)
