import { join } from 'node:path'
import { LaresError } from '../../shared/base/errors.ts'
import { readEnvironment } from '../../shared/config/environment.ts'
import { runProcess } from '../../shared/host/process.ts'
import { startBroker } from './broker.ts'

const DEFAULT_PORT = 9092

/** `npm run kafka`: a real Kafka for development, with its data in LARES_HOME/kafka, on KAFKA_PORT. */
await runProcess(async () => {
  const { dataDirectory } = readEnvironment(process.env)
  const port = Number(process.env.KAFKA_PORT || DEFAULT_PORT)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new LaresError('invalid_config', `KAFKA_PORT is a port, not "${process.env.KAFKA_PORT}"`)
  const broker = await startBroker({ dir: join(dataDirectory, 'kafka'), port })
  process.stdout.write(`Kafka is ready: KAFKA_BROKERS=${broker.brokers}\n`)
  void broker.ended.then(() => process.exit(1))
  return broker.stop
})
