import { readEnvironment } from '../../shared/config/environment.ts'
import { openDrivers } from '../../shared/drivers.ts'
import { LaresError } from '../../shared/errors.ts'
import { openCatalogue } from '../../shared/function/catalogue.ts'
import { openLog } from '../../shared/pino-log.ts'
import { runProcess } from '../../shared/process.ts'
import { startTimers } from '../timers/timers.ts'
import { serveAdmin } from './admin.ts'
import { startConnector } from './connector.ts'
import { openDeadLetters } from './dead.ts'
import { httpInvoker } from './http-invoker.ts'
import { connectorMetrics, watchStatus } from './metrics.ts'
import { openStatus } from './status.ts'
import { stackSource } from './topic-map.ts'

/** The connector, with the timers, as a process of its own; it calls the functions of stack.yml over HTTP. */
await runProcess(async () => {
  const environment = readEnvironment(process.env)
  const log = openLog('connector', environment.logLevel)
  const drivers = openDrivers(environment, log)
  const [bus, events, conversations, objects] = await Promise.all([
    drivers.bus(),
    drivers.events(),
    drivers.conversations(),
    drivers.objects(),
  ])
  const urlOf = (name: string) => {
    const url = environment.functionUrls.get(name)
    if (!url) throw new LaresError('unavailable', `LARES_FUNCTION_URLS does not say where "${name}" is`)
    return url
  }
  const invoker = httpInvoker({ urlOf })
  const source = stackSource('stack.yml')
  const catalogue = openCatalogue(conversations.documents)
  const connector = await startConnector({
    bus,
    events,
    invoker,
    catalogue,
    log,
    source,
    metrics: connectorMetrics(drivers.metrics, environment.bus),
  })
  const dead = openDeadLetters({ bus, objects, documents: conversations.documents })
  const status = openStatus({ bus, dead, source, reach: invoker.manifest })
  watchStatus(drivers.metrics, { status, loads: connector.loads, log })
  const { host, metricsPort } = environment
  const admin =
    metricsPort === undefined
      ? undefined
      : await serveAdmin({ ...connector, ...drivers, log, host, port: metricsPort })
  const timers = startTimers(conversations.timers, events, log)
  return async () => {
    await timers.close()
    await admin?.close()
    await connector.close()
    await invoker.close()
    await drivers.close()
  }
})
