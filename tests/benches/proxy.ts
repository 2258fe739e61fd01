import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openProviderStore } from '../../infra/provider/store.ts'
import { freePort } from '../../shared/base/free-port.ts'
import { createRootEvent } from '../../shared/contract/events/event.ts'
import { eventToHttp } from '../../shared/contract/events/http-binding.ts'
import { basicAuth } from '../support/provider.ts'
import { generateLoad, type LoadResult } from './load.ts'
import { mapByKey, median, roundToThreeDigits } from './statistics.ts'

/**
 * `npm run bench:proxy`: calls of the time skill through the provider, /function/time, against the function directly.
 * Provider, function and load are a process each; rounds alternate.
 */
const ROUNDS = 5
const ROUND_MS = 3_000
const WARM_UP_MS = 2_000
const CONNECTIONS = 16
const PASSWORD = 'password-of-the-bench'

const { headers, body } = eventToHttp(
  createRootEvent({
    id: '018f0000-0000-7000-8000-000000000000',
    source: '/lares/bench',
    type: 'lares.skill.time.requested',
    conversation: '018f0000-0000-7000-8000-000000000001',
    data: {
      callId: 'call-1',
      step: 0,
      person: 'owner',
      input: {},
      text: 'what time is it?',
      language: 'en',
      timeZone: 'Europe/Berlin',
      saidAt: '2026-05-01T12:00:00Z',
    },
  }),
)

function requestTo(path: string): Buffer {
  const lines = Object.entries({ host: 'bench', ...headers, 'content-length': body.length })
  const head = `POST ${path} HTTP/1.1\r\n${lines.map(pair => pair.join(': ')).join('\r\n')}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), body])
}

const home = await mkdtemp(join(tmpdir(), 'lares-proxy-'))
const port = await freePort()
const provider = spawn(
  process.execPath,
  [...process.execArgv, 'infra/provider/main.ts', '--stop-functions'],
  {
    env: {
      ...process.env,
      LARES_HOME: home,
      LARES_LOG_LEVEL: 'warn',
      PROVIDER_PORT: String(port),
      PROVIDER_PASSWORD: PASSWORD,
      PROVIDER_SPARES: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  },
)
const results = { provider: [] as LoadResult[], direct: [] as LoadResult[] }
const oneConnection: Partial<Record<'provider' | 'direct', LoadResult>> = {}
try {
  await once(provider.stdout, 'data')
  const deployed = await fetch(`http://127.0.0.1:${port}/system/functions`, {
    method: 'POST',
    headers: { authorization: basicAuth(PASSWORD) },
    body: JSON.stringify({
      service: 'time',
      image: 'lares/time:latest',
      // The same one process in both rounds: by rate alone the autoscaler would start twenty on the cores of the bench.
      labels: { 'com.openfaas.scale.max': '1' },
    }),
  })
  if (deployed.status !== 202) throw new Error(await deployed.text())
  const store = openProviderStore(join(home, 'provider', 'provider.db'))
  const [running] = store.replicas()
  store.close()
  const targets = {
    provider: { port, request: requestTo('/function/time') },
    direct: { port: Number(new URL(running!.replica.origin).port), request: requestTo('/') },
  }
  for (const target of Object.values(targets))
    await generateLoad({ ...target, connections: CONNECTIONS, durationMs: WARM_UP_MS })
  for (let round = 0; round < ROUNDS; round++)
    for (const kind of ['direct', 'provider'] as const) {
      const measured = await generateLoad({
        ...targets[kind],
        connections: CONNECTIONS,
        durationMs: ROUND_MS,
      })
      results[kind].push(measured)
      const { requestsPerSecond, p50Ms, p99Ms } = measured
      process.stdout.write(
        `round ${round + 1} ${kind.padEnd(8)} ${Math.round(requestsPerSecond)}/s p50 ${p50Ms.toFixed(2)} ms p99 ${p99Ms.toFixed(2)} ms\n`,
      )
    }
  // Without a queue, the added time is the provider's own work.
  for (const kind of ['direct', 'provider'] as const)
    oneConnection[kind] = await generateLoad({ ...targets[kind], connections: 1, durationMs: ROUND_MS })
} finally {
  provider.kill('SIGTERM')
  await once(provider, 'exit')
  await rm(home, { recursive: true, force: true })
}

const ours = mapByKey(results.provider, median)
const baseline = mapByKey(results.direct, median)
process.stdout.write(
  `${JSON.stringify({ bench: 'proxy', ours, baseline, ratio: roundToThreeDigits(ours.requestsPerSecond / baseline.requestsPerSecond), addedP50Ms: roundToThreeDigits(ours.p50Ms - baseline.p50Ms), oneConnection: { ours: roundToThreeDigits(oneConnection.provider!.p50Ms), baseline: roundToThreeDigits(oneConnection.direct!.p50Ms) }, units: { requestsPerSecond: '1/s', p50Ms: 'ms', p99Ms: 'ms', ratio: 'ours / baseline' }, settings: { connections: CONNECTIONS, rounds: ROUNDS, roundMs: ROUND_MS } })}\n`,
)
