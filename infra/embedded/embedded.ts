import { type StartedGateway, startGateway } from '../../gateway/start.ts'
import type { Logger } from '../../shared/base/log.ts'
import type { Environment } from '../../shared/config/environment.ts'
import { openCatalogue } from '../../shared/contract/catalogue.ts'
import { type Drivers, openDrivers } from '../../shared/host/drivers.ts'
import { openDeadLetters } from '../../shared/operations/dead-letters.ts'
import { openStatus } from '../../shared/operations/status.ts'
import { openTracer } from '../../shared/operations/tracer.ts'
import { type Connector, startConnector } from '../connector/connector.ts'
import { auditedInvoker } from '../connector/invokers/audited-invoker.ts'
import { httpInvoker } from '../connector/invokers/http-invoker.ts'
import { connectorMetrics, registerStatusMetrics } from '../connector/metrics.ts'
import { openFunctionDirectory } from '../connector/provider-source.ts'
import { startArchiving } from '../timers/archive.ts'
import { startJournalTrimming } from '../timers/journal-retention.ts'
import { startTimers } from '../timers/timers.ts'
import { type InlineFunctions, openInlineFunctions } from './inline-functions.ts'

export type EmbeddedOptions = {
  /** Default: `stack.yml` in the working directory. */
  stackFile?: string
  /** `lares dev`: authors see failures at once, with their stack. */
  isDevelopment?: boolean
}

export type Embedded = {
  gateway: StartedGateway
  connector: Connector
  close(): Promise<void>
}

/** Everything in one process: gateway, connector, timers, and the functions of the stack file called inline, or those deployed at OPENFAAS_URL. */
export async function startEmbedded(
  environment: Environment,
  log: Logger,
  options: EmbeddedOptions = {},
): Promise<Embedded> {
  const drivers = openDrivers(environment, log)
  const [bus, events, store, objects, models] = await Promise.all([
    drivers.bus(),
    drivers.events(),
    drivers.store(),
    drivers.objects(),
    drivers.models(),
  ])
  const {
    invoker: functionInvoker,
    source,
    stop: stopFunctions,
  } = await openFunctionBackend(environment, options, drivers, log)
  const invoker = auditedInvoker(functionInvoker, await drivers.audit())
  const catalogue = openCatalogue(store.records)
  const connector = await startConnector({
    bus,
    events,
    invoker,
    catalogue,
    log,
    source,
    metrics: connectorMetrics(drivers.metrics, environment.bus),
  })
  const timers = startTimers(store.timers, events, log)
  const journalTrimming = startJournalTrimming(store, log)
  const archiving = startArchiving(objects, environment.coldDays, log)
  const deadLetters = openDeadLetters({ bus, objects, records: store.records })
  const status = openStatus({ bus, deadLetters, source, probe: invoker.manifest })
  registerStatusMetrics(drivers.metrics, { status, loads: connector.loads, log })
  const trace = openTracer({
    bus,
    objects,
    deadLetters,
    history: store.history,
    source,
    inFlight: async conversation => connector.inFlight(conversation),
  })
  const checks = { model: models.check }
  const gateway = await startGateway(environment, drivers, log, { checks, deadLetters, status, trace })
  return {
    gateway,
    connector,
    async close() {
      await gateway.close()
      await timers.close()
      await journalTrimming.close()
      await archiving.close()
      await connector.close()
      await stopFunctions()
      await drivers.close()
    },
  }
}

/** Called in this process; or over HTTP, when they are deployed through a provider, so that they come and go while this runs. */
async function openFunctionBackend(
  environment: Environment,
  { stackFile = 'stack.yml', isDevelopment = false }: EmbeddedOptions,
  drivers: Drivers,
  log: Logger,
): Promise<InlineFunctions> {
  if (environment.openfaasUrl !== undefined) {
    const { source, urlOf } = openFunctionDirectory(environment, stackFile)
    const invoker = httpInvoker({ urlOf })
    return { source, invoker, stop: invoker.close }
  }
  const { skillFolders } = environment
  return await openInlineFunctions({ stackFile, isDevelopment, skillFolders, drivers, log })
}
