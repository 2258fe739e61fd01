import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { startBroker } from '../../../infra/kafka/broker.ts'
import { freePort } from '../../../shared/base/free-port.ts'
import { journeySuite } from '../../end-to-end/journey.suite.ts'

const stops: (() => Promise<unknown>)[] = []

journeySuite('as a process each on Kafka', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'lares-kafka-'))
  const broker = await startBroker({ dir, port: await freePort() })
  stops.push(broker.stop, () => rm(dir, { recursive: true, force: true }))
  return { kind: 'kafka', brokers: broker.brokers }
})

afterAll(async () => {
  for (const stop of stops) await stop()
}, 60_000)
