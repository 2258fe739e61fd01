import { type StartedGateway, startGateway } from '../../gateway/start.ts'
import type { Logger } from '../../shared/base/log.ts'
import type { Environment } from '../../shared/config/environment.ts'
import { type Drivers, openDrivers } from '../../shared/host/drivers.ts'
import { openFunctionDirectory } from '../../shared/host/function-directory.ts'
import { startBackground } from '../connector/background.ts'
import type { Connector } from '../connector/connector.ts'
import { httpInvoker } from '../connector/invokers/http-invoker.ts'
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
  /** The names of the background tasks. */
  tasks: string[]
  close(): Promise<void>
}

/**
 * Runs everything in one process: gateway, connector, timers and functions. It calls the functions of the stack file
 * inline, or those deployed at OPENFAAS_URL over HTTP.
 */
export async function startEmbedded(
  environment: Environment,
  log: Logger,
  options: EmbeddedOptions = {},
): Promise<Embedded> {
  const drivers = openDrivers(environment, log)
  const models = await drivers.models()
  const {
    invoker,
    source,
    stop: stopFunctions,
  } = await openFunctionBackend(environment, options, drivers, log)
  const background = await startBackground({ environment, drivers, log, source, invoker })
  const { operations } = background
  const checks = { model: models.check }
  const gateway = await startGateway(environment, drivers, log, { checks, operations })
  return {
    gateway,
    connector: background.connector,
    tasks: background.tasks,
    async close() {
      await gateway.close()
      await background.close()
      await stopFunctions()
      await drivers.close()
    },
  }
}

/**
 * Without OPENFAAS_URL the functions run in this process. With it they are called over HTTP, and may come and go while
 * this process runs.
 */
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
