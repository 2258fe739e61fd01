import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from '../../../infra/kafka/broker.ts'
import { freePort } from '../../../shared/base/free-port.ts'
import { busSuite } from '../../../shared/bus/bus.suite.ts'
import { openKafkaBus } from '../../../shared/bus/kafka/kafka-bus.ts'

for (const client of ['platformatic', 'kafkajs'] as const)
  busSuite(`the bus on Kafka through ${client}`, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'lares-kafka-'))
    const broker = await startBroker({ dir, port: await freePort() })
    const options = { brokers: [broker.brokers], client }
    return {
      open: () => openKafkaBus(options),
      opener: {
        module: new URL('../../../shared/bus/kafka/kafka-bus.ts', import.meta.url).href,
        name: 'openKafkaBus',
        options,
      },
      async stop() {
        await broker.stop()
        await rm(dir, { recursive: true })
      },
    }
  })
