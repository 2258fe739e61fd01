import { readEnvironment } from '../../shared/config/environment.ts'
import { openDrivers } from '../../shared/drivers.ts'
import { LaresError } from '../../shared/errors.ts'
import { openCatalogue } from '../../shared/function/catalogue.ts'
import { openLog } from '../../shared/pino-log.ts'
import { runProcess } from '../../shared/process.ts'
import { startTimers } from '../timers/timers.ts'
import { startConnector } from './connector.ts'
import { httpInvoker } from './http-invoker.ts'
import { stackSource } from './topic-map.ts'

/** The connector, with the timers, as a process of its own; it calls the functions of stack.yml over HTTP. */
await runProcess(async () => {
  const environment = readEnvironment(process.env)
  const log = openLog('connector', environment.logLevel)
  const drivers = openDrivers(environment, log)
  const [bus, events, conversations] = await Promise.all([
    drivers.bus(),
    drivers.events(),
    drivers.conversations(),
  ])
  const urlOf = (name: string) => {
    const url = environment.functionUrls.get(name)
    if (!url) throw new LaresError('unavailable', `LARES_FUNCTION_URLS does not say where "${name}" is`)
    return url
  }
  const invoker = httpInvoker({ urlOf })
  const catalogue = openCatalogue(conversations.documents)
  const connector = await startConnector({
    bus,
    events,
    invoker,
    catalogue,
    log,
    source: stackSource('stack.yml'),
  })
  const timers = startTimers(conversations.timers, events, log)
  return async () => {
    await timers.close()
    await connector.close()
    await invoker.close()
    await drivers.close()
  }
})
