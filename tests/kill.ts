import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { inject, simulated } from '../infra/cli/inject/injection.ts'
import { type Broker, startBroker } from '../infra/kafka/broker.ts'
import { freePort, type House, startHouse, TOKEN } from './support/instance.ts'
import { startModelServer } from './support/model-server.ts'

/**
 * `npm run test:kill`: many conversations at a steady rate while one process after the other is killed with -9. Then
 * every acknowledged message must have one reply or one visible failure, in order. Exits with 1 when one has not.
 */
const { values } = parseArgs({
  options: {
    deployment: { type: 'string', default: 'all' },
    conversations: { type: 'string', default: '200' },
    messages: { type: 'string', default: '5' },
    kills: { type: 'string' },
  },
})
const conversations = Number(values.conversations)
const each = Number(values.messages)

/** Seconds between two kills: long enough for the killed one to be back, short enough to meet running work. */
const KILL_EVERY_MS = 4_000
/** Some are killed and started again here, and the next kill waits for that: messages keep coming until the last one. */
const RESTART_MS = 2_500

type Killable = { names: string[]; kill(name: string): Promise<void> }

async function underFire(house: House, killable: Killable, kills: number) {
  const total = conversations * each
  const sendingMs = kills * (KILL_EVERY_MS + RESTART_MS)
  const done = new AbortController()
  const injecting = inject({
    url: house.url,
    token: TOKEN,
    messages: simulated({ conversations, messages: each, text: 'message {message} of {conversation}' }),
    ratePerSecond: total / (sendingMs / 1_000),
    timeoutMs: sendingMs + 300_000,
  }).finally(() => done.abort())
  const killed: Record<string, number> = {}
  for (let n = 0; n < kills && !done.signal.aborted; n++) {
    await wait(KILL_EVERY_MS, undefined, { signal: done.signal }).catch(() => undefined)
    const name = killable.names[n % killable.names.length]!
    await killable.kill(name)
    killed[name] = (killed[name] ?? 0) + 1
    process.stderr.write(`kill -9 ${name} (${n + 1} of ${kills})\n`)
  }
  return { killed, report: await injecting }
}

async function onKafka(modelUrl: string) {
  const dir = await mkdtemp(join(tmpdir(), 'lares-kafka-'))
  const port = await freePort()
  let broker: Broker = await startBroker({ dir, port })
  const house = await startHouse({ kind: 'kafka', brokers: broker.brokers, modelUrl })
  const kill = async (name: string) => {
    if (name !== 'broker') return await house.kill(name)
    await broker.kill()
    broker = await startBroker({ dir, port })
  }
  try {
    const names = [...house.processes, 'broker']
    return await underFire(house, { names, kill }, Number(values.kills ?? 2 * names.length))
  } finally {
    await house.stop()
    await broker.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

async function inOneProcess(modelUrl: string) {
  const house = await startHouse({ kind: 'embedded', modelUrl })
  try {
    return await underFire(house, { names: house.processes, kill: house.kill }, Number(values.kills ?? 10))
  } finally {
    await house.stop()
  }
}

const model = await startModelServer({ delayMs: 200, tokenDelayMs: 5 })
let failed = false
for (const [name, run] of Object.entries({ embedded: inOneProcess, kafka: onKafka })) {
  if (values.deployment !== 'all' && values.deployment !== name) continue
  const { killed, report } = await run(model.url)
  const { latencyMs, acknowledged, replied, failed: failedVisibly, missing, duplicates, outOfOrder } = report
  failed ||= !report.ok
  const counts = {
    acknowledged,
    replied,
    failedVisibly,
    missing: missing.length,
    duplicates: duplicates.length,
    outOfOrder: outOfOrder.length,
  }
  process.stdout.write(
    `${JSON.stringify({ deployment: name, ok: report.ok, ...counts, latencyMs, killed })}\n`,
  )
}
await model.close()
process.exit(failed ? 1 : 0)
