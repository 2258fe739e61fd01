// npm run bench:hop: what the function runtime costs against a bare node:http server and fastify that do the same, namely
// take JSON and answer JSON. Rounds alternate, so that a slow moment of the machine meets all of them.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createRootEvent } from '../../shared/contract/events/event.ts'
import { eventToHttp } from '../../shared/contract/events/http-binding.ts'
import { generateLoad, type LoadResult } from './load.ts'
import { mapByKey, median } from './statistics.ts'

const KINDS = ['lares', 'node', 'fastify'] as const
const ROUNDS = 5
const ROUND_MS = 3_000
const WARM_UP_MS = 2_000
const CONNECTIONS = 16

type Kind = (typeof KINDS)[number]

const { headers, body } = eventToHttp(
  createRootEvent({
    id: '018f0000-0000-7000-8000-000000000000',
    source: '/lares/bench',
    type: 'lares.skill.hop.requested',
    conversation: '018f0000-0000-7000-8000-000000000001',
    data: {
      callId: 'call-1',
      step: 0,
      person: 'owner',
      input: null,
      text: 'What is 12.5% of 8640?',
      language: 'en',
      timeZone: 'Europe/Berlin',
      saidAt: '2026-05-01T12:00:00Z',
    },
  }),
)
const lines = Object.entries({ host: 'bench', ...headers, 'content-length': body.length })
const head = `POST / HTTP/1.1\r\n${lines.map(pair => pair.join(': ')).join('\r\n')}\r\n\r\n`
const request = Buffer.concat([Buffer.from(head), body])

async function startServer(kind: Kind): Promise<{ child: ChildProcess; port: number }> {
  const file = fileURLToPath(new URL('./hop-server.ts', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, file, kind], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = await once(child.stdout!, 'data')
  return { child, port: Number(port) }
}

const results: Record<Kind, LoadResult[]> = { lares: [], node: [], fastify: [] }
const servers = await Promise.all(KINDS.map(async kind => ({ kind, ...(await startServer(kind)) })))
try {
  for (const { port } of servers)
    await generateLoad({ port, request, connections: CONNECTIONS, durationMs: WARM_UP_MS })
  for (let round = 0; round < ROUNDS; round++)
    for (const { kind, port } of servers) {
      const measured = await generateLoad({ port, request, connections: CONNECTIONS, durationMs: ROUND_MS })
      results[kind].push(measured)
      const { requestsPerSecond, p50Ms, p99Ms } = measured
      console.log(
        `round ${round + 1} ${kind.padEnd(7)} ${Math.round(requestsPerSecond)}/s p50 ${p50Ms.toFixed(2)} ms p99 ${p99Ms.toFixed(2)} ms`,
      )
    }
} finally {
  for (const { child } of servers) child.kill()
}

const medianOf = (kind: Kind) => mapByKey(results[kind], median)
const compareTo = (kind: Kind) =>
  mapByKey([medianOf('lares'), medianOf(kind)], ([ours, theirs]) => ours! / theirs!)
console.log(
  JSON.stringify({
    bench: 'hop',
    ours: medianOf('lares'),
    baseline: { node: medianOf('node'), fastify: medianOf('fastify') },
    ratio: { node: compareTo('node'), fastify: compareTo('fastify') },
    units: { requestsPerSecond: '1/s', p50Ms: 'ms', p99Ms: 'ms', ratio: 'ours / baseline' },
    settings: { connections: CONNECTIONS, rounds: ROUNDS, roundMs: ROUND_MS },
  }),
)
