import { type StartedGateway, startGateway } from '../../gateway/start.ts'
import type { Logger } from '../../shared/base/log.ts'
import type { Environment } from '../../shared/config/environment.ts'
import { openCatalogue } from '../../shared/contract/catalogue.ts'
import { createInvocable, type Invocable } from '../../shared/contract/invoke.ts'
import { type FunctionSource, readStack, stackSource } from '../../shared/contract/stack.ts'
import { type Drivers, openDrivers } from '../../shared/host/drivers.ts'
import { loadFunction } from '../../shared/host/load.ts'
import { meteredFunction } from '../../shared/observability/metered-function.ts'
import { openDeadLetters } from '../../shared/operations/dead-letters.ts'
import { openStatus } from '../../shared/operations/status.ts'
import { openTracer } from '../../shared/operations/tracer.ts'
import { type Connector, startConnector } from '../connector/connector.ts'
import { auditedInvoker } from '../connector/invokers/audited-invoker.ts'
import { httpInvoker } from '../connector/invokers/http-invoker.ts'
import { inlineInvoker } from '../connector/invokers/inline-invoker.ts'
import type { Invoker } from '../connector/invokers/invoker.ts'
import { connectorMetrics, registerStatusMetrics } from '../connector/metrics.ts'
import { openFunctionDirectory } from '../connector/provider-source.ts'
import { startArchiving } from '../timers/archive.ts'
import { startJournalTrimming } from '../timers/journal-retention.ts'
import { startTimers } from '../timers/timers.ts'

export type Embedded = {
  gateway: StartedGateway
  connector: Connector
  close(): Promise<void>
}

/** Everything in one process: gateway, connector, timers, and the functions of `stackFileSchema` called inline, or those deployed at OPENFAAS_URL. */
export async function startEmbedded(
  environment: Environment,
  log: Logger,
  stackFile = 'stack.yml',
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
  } = await openFunctionBackend(environment, stackFile, drivers, log)
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

type FunctionBackend = { invoker: Invoker; source: FunctionSource; stop(): Promise<void> }

/** Called in this process; or over HTTP, when they are deployed through a provider, so that they come and go while this runs. */
async function openFunctionBackend(
  environment: Environment,
  stackFile: string,
  drivers: Drivers,
  log: Logger,
): Promise<FunctionBackend> {
  if (environment.openfaasUrl !== undefined) {
    const { source, urlOf } = openFunctionDirectory(environment, stackFile)
    const invoker = httpInvoker({ urlOf })
    return { source, invoker, stop: invoker.close }
  }
  const functions = new Map<string, Invocable>()
  const objects = await drivers.objects()
  for (const { name, handler } of await readStack(stackFile)) {
    const definition = await loadFunction(handler)
    const services = await drivers.services(definition.uses ?? [])
    const one = meteredFunction(createInvocable(definition, { services, objects, log }), drivers.metrics)
    await one.start()
    functions.set(name, one)
  }
  const stop = async () => {
    for (const one of functions.values()) await one.stop()
  }
  return { source: stackSource(stackFile), invoker: inlineInvoker(functions), stop }
}
