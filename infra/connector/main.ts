import { readEnvironment } from '../../shared/config/environment.ts'
import { openCatalogue } from '../../shared/contract/catalogue.ts'
import { openDrivers } from '../../shared/host/drivers.ts'
import { runProcess } from '../../shared/host/process.ts'
import { openLog } from '../../shared/observability/pino-log.ts'
import { openDeadLetters } from '../../shared/operations/dead-letters.ts'
import { openStatus } from '../../shared/operations/status.ts'
import { startTrimming } from '../timers/journal-retention.ts'
import { startTimers } from '../timers/timers.ts'
import { serveAdmin } from './admin.ts'
import { startConnector } from './connector.ts'
import { auditedInvoker } from './invokers/audited-invoker.ts'
import { httpInvoker } from './invokers/http-invoker.ts'
import { connectorMetrics, watchStatus } from './metrics.ts'
import { deployedFunctions } from './provider-source.ts'

/** The connector, with the timers, as a process of its own; it calls the functions over HTTP: those that are deployed at OPENFAAS_URL, or those of stack.yml. */
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
  const { source, urlOf } = deployedFunctions(environment, 'stack.yml')
  const invoker = auditedInvoker(httpInvoker({ urlOf }), await drivers.audit())
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
  const trimming = startTrimming(conversations, log)
  return async () => {
    await timers.close()
    await trimming.close()
    await admin?.close()
    await connector.close()
    await invoker.close()
    await drivers.close()
  }
})
