import { readEnvironment } from '../../shared/config/environment.ts'
import { openDrivers } from '../../shared/host/drivers.ts'
import { runProcess } from '../../shared/host/process.ts'
import { openLogger } from '../../shared/observability/pino-log.ts'
import { startConnectorProcess } from './start.ts'

/** The connector as a process of its own. */
await runProcess(async () => {
  const environment = readEnvironment(process.env)
  const log = openLogger('connector', environment.logLevel)
  const drivers = openDrivers(environment, log)
  const connector = await startConnectorProcess(environment, drivers, log)
  return async () => {
    await connector.close()
    await drivers.close()
  }
})
