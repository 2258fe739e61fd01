import { readEnvironment } from '../shared/config/environment.ts'
import { openDrivers } from '../shared/host/drivers.ts'
import { runProcess } from '../shared/host/process.ts'
import { openLogger } from '../shared/observability/pino-log.ts'
import { startGateway } from './start.ts'

/** Runs the gateway as a process of its own. */
await runProcess(async () => {
  const environment = readEnvironment(process.env)
  const log = openLogger('gateway', environment.logLevel)
  const drivers = openDrivers(environment, log)
  const gateway = await startGateway(environment, drivers, log)
  process.stdout.write(`open ${gateway.signInLink}\n`)
  return async () => {
    await gateway.close()
    await drivers.close()
  }
})
