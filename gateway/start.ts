import { LaresError } from '../shared/base/errors.ts'
import type { Logger } from '../shared/base/log.ts'
import type { Bus } from '../shared/bus/bus.ts'
import { describeChange, watchConfiguration } from '../shared/config/configuration-watch.ts'
import type { Environment } from '../shared/config/environment.ts'
import { type GatewayConfig, readConfig, requireConfigDirectory } from '../shared/config/files.ts'
import { openCatalogue } from '../shared/contract/catalogue.ts'
import type { Drivers } from '../shared/host/drivers.ts'
import { openFunctionDirectory } from '../shared/host/function-directory.ts'
import { openFunctionProbe } from '../shared/host/function-probe.ts'
import { openConnectorView } from '../shared/operations/connector-view.ts'
import { type LogCopy, openLogCopy } from '../shared/operations/log-copy.ts'
import {
  type Operations,
  type OperationsDependencies,
  openOperations,
} from '../shared/operations/open-operations.ts'
import { recordConfigurationChanges } from '../shared/protection/audit/configuration-audit.ts'
import { noProtection } from '../shared/protection/unprotected.ts'
import { buildGateway, type Gateway } from './app.ts'
import { loadOwnerToken } from './auth/owner-token.ts'
import type { GatewayOptions } from './options.ts'

/** The model name for clients of the OpenAI API: the assistant, whichever language model it uses. */
const MODEL_NAME = 'lares'

export type StartedGateway = Gateway & {
  /** The page's address with a sign-in. */
  signInLink: string
}

/**
 * Opens the gateway on the drivers that the environment selects, and listens. `overrides` adds readiness checks and
 * operations.
 */
export async function startGateway(
  environment: Environment,
  drivers: Drivers,
  log: Logger,
  overrides: Partial<GatewayOptions> = {},
): Promise<StartedGateway> {
  requireConfigDirectory(environment.configDirectory)
  const [bus, events, conversations, objects, audit, token] = await Promise.all([
    drivers.bus(),
    drivers.events(),
    drivers.store(),
    drivers.objects(),
    drivers.audit(),
    loadOwnerToken(environment.dataDirectory, environment.token),
  ])
  const catalogue = openCatalogue(conversations.records)
  await recordConfigurationChanges(environment.configDirectory, { audit, documents: conversations.records })
  const config = readConfig(environment.configDirectory, 'gateway')
  const configuration = watchConfiguration(environment.configDirectory, log)
  const operations =
    overrides.operations ?? openGatewayOperations(environment, { bus, objects, store: conversations })
  const gateway = await buildGateway({
    bus,
    events,
    store: conversations,
    objects,
    audit,
    protection: drivers.protection ?? noProtection,
    log,
    metrics: drivers.metrics,
    config,
    logCopy: await openGatewayLogCopy(drivers, operations.status, config),
    ownerToken: token,
    hasChosenOwnerToken: environment.token !== undefined,
    operations,
    model: async () => MODEL_NAME,
    skillNames: async () => (await catalogue.skills()).map(({ name }) => name),
    notices: () => configuration.changedFiles().map(describeChange),
    ...overrides,
    checks: {
      bus: async () => {
        await bus.check()
        await requireTopics(bus)
      },
      conversations: conversations.check,
      objects: objects.check,
      ...overrides.checks,
    },
  })
  const address = await gateway.listen(environment.host, environment.port)
  const close = async () => {
    configuration.close()
    await gateway.close()
  }
  return { ...gateway, close, signInLink: `${address}/?token=${token}` }
}

/** Reads the log for `lares backup`. It covers the functions that the status names. */
async function openGatewayLogCopy(
  drivers: Drivers,
  status: Operations['status'],
  { deliveries }: GatewayConfig,
): Promise<LogCopy> {
  return openLogCopy({
    bus: await drivers.rawBus(),
    functions: async () => (await status()).functions,
    deliveries: deliveries.map(({ name }) => name),
  })
}

/** For a gateway whose connector is another process: it calls the functions and the connector over HTTP. */
function openGatewayOperations(
  environment: Environment,
  stores: Pick<OperationsDependencies, 'bus' | 'objects' | 'store'>,
): Operations {
  const directory = openFunctionDirectory(environment, 'stack.yml')
  return openOperations({
    ...stores,
    source: directory.source,
    probe: openFunctionProbe(directory),
    connector: openConnectorView(environment),
  })
}

/** The connector creates the topics at its first start. A gateway that starts earlier cannot publish messages. */
async function requireTopics(bus: Bus): Promise<void> {
  const partitions = await bus.lag('lares.intent', ['lares.message'])
  if (partitions.length === 0)
    throw new LaresError('unavailable', 'the log has no topics yet: is the connector running?')
}
