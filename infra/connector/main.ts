import { readEnvironment } from '../../shared/config/environment.ts'
import { openCatalogue } from '../../shared/contract/catalogue.ts'
import { openDrivers } from '../../shared/host/drivers.ts'
import { runProcess } from '../../shared/host/process.ts'
import { openLogger } from '../../shared/observability/pino-log.ts'
import { openDeadLetters } from '../../shared/operations/dead-letters.ts'
import { openStatus } from '../../shared/operations/status.ts'
import { startJournalTrimming } from '../timers/journal-retention.ts'
import { startTimers } from '../timers/timers.ts'
import { serveAdmin } from './admin.ts'
import { startConnector } from './connector.ts'
import { auditedInvoker } from './invokers/audited-invoker.ts'
import { httpInvoker } from './invokers/http-invoker.ts'
import { connectorMetrics, registerStatusMetrics } from './metrics.ts'
import { openFunctionDirectory } from './provider-source.ts'

/** The connector, with the timers, as a process of its own; it calls the functions over HTTP: those that are deployed at OPENFAAS_URL, or those of stack.yml. */
await runProcess(async () => {
  const environment = readEnvironment(process.env)
  const log = openLogger('connector', environment.logLevel)
  const drivers = openDrivers(environment, log)
  const [bus, events, conversations, objects] = await Promise.all([
    drivers.bus(),
    drivers.events(),
    drivers.store(),
    drivers.objects(),
  ])
  const { source, urlOf } = openFunctionDirectory(environment, 'stack.yml')
  const invoker = auditedInvoker(httpInvoker({ urlOf }), await drivers.audit())
  const catalogue = openCatalogue(conversations.records)
  const connector = await startConnector({
    bus,
    events,
    invoker,
    catalogue,
    log,
    source,
    metrics: connectorMetrics(drivers.metrics, environment.bus),
  })
  const dead = openDeadLetters({ bus, objects, records: conversations.records })
  const status = openStatus({ bus, deadLetters: dead, source, probe: invoker.manifest })
  registerStatusMetrics(drivers.metrics, { status, loads: connector.loads, log })
  const { host, metricsPort } = environment
  const admin =
    metricsPort === undefined
      ? undefined
      : await serveAdmin({ ...connector, ...drivers, log, host, port: metricsPort })
  const timers = startTimers(conversations.timers, events, log)
  const trimming = startJournalTrimming(conversations, log)
  return async () => {
    await timers.close()
    await trimming.close()
    await admin?.close()
    await connector.close()
    await invoker.close()
    await drivers.close()
  }
})
