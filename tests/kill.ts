import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { generateMessages, inject } from '../infra/cli/inject/injection.ts'
import { type Broker, startBroker } from '../infra/kafka/broker.ts'
import { freePort } from '../shared/base/free-port.ts'
import { type LaresInstance, startInstance, TOKEN } from './support/instance.ts'
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
const messagesPerConversation = Number(values.messages)

/** Seconds between two kills: long enough for the killed one to be back, short enough to meet running work. */
const KILL_INTERVAL_MS = 4_000
/** Some are killed and started again here, and the next kill waits for that: messages keep coming until the last one. */
const RESTART_ALLOWANCE_MS = 2_500

type KillTargets = { names: string[]; kill(name: string): Promise<void> }

async function injectWhileKilling(instance: LaresInstance, targets: KillTargets, kills: number) {
  const total = conversations * messagesPerConversation
  const sendingMs = kills * (KILL_INTERVAL_MS + RESTART_ALLOWANCE_MS)
  const done = new AbortController()
  const injecting = inject({
    url: instance.url,
    token: TOKEN,
    messages: generateMessages({
      conversations,
      messages: messagesPerConversation,
      text: 'message {message} of {conversation}',
    }),
    ratePerSecond: total / (sendingMs / 1_000),
    timeoutMs: sendingMs + 300_000,
  }).finally(() => done.abort())
  const killed: Record<string, number> = {}
  for (let n = 0; n < kills && !done.signal.aborted; n++) {
    await wait(KILL_INTERVAL_MS, undefined, { signal: done.signal }).catch(() => undefined)
    const name = targets.names[n % targets.names.length]!
    await targets.kill(name)
    killed[name] = (killed[name] ?? 0) + 1
    process.stderr.write(`kill -9 ${name} (${n + 1} of ${kills})\n`)
  }
  return { killed, report: await injecting }
}

async function runOnKafka(modelUrl: string) {
  const dir = await mkdtemp(join(tmpdir(), 'lares-kafka-'))
  const port = await freePort()
  let broker: Broker = await startBroker({ dir, port })
  const instance = await startInstance({ kind: 'kafka', brokers: broker.brokers, modelUrl })
  const kill = async (name: string) => {
    if (name !== 'broker') return await instance.kill(name)
    await broker.kill()
    broker = await startBroker({ dir, port })
  }
  try {
    const names = [...instance.processes, 'broker']
    return await injectWhileKilling(instance, { names, kill }, Number(values.kills ?? 2 * names.length))
  } finally {
    await instance.stop()
    await broker.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

async function runEmbedded(modelUrl: string) {
  const instance = await startInstance({ kind: 'embedded', modelUrl })
  try {
    return await injectWhileKilling(
      instance,
      { names: instance.processes, kill: instance.kill },
      Number(values.kills ?? 10),
    )
  } finally {
    await instance.stop()
  }
}

const model = await startModelServer({ delayMs: 200, tokenDelayMs: 5 })
let failed = false
for (const [name, run] of Object.entries({ embedded: runEmbedded, kafka: runOnKafka })) {
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
