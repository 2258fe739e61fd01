import type { Logger } from '../../shared/base/log.ts'
import type { Environment } from '../../shared/config/environment.ts'
import type { Drivers } from '../../shared/host/drivers.ts'
import { openFunctionDirectory } from '../../shared/host/function-directory.ts'
import { serveAdmin } from './admin.ts'
import { type Background, startBackground } from './background.ts'
import { httpInvoker } from './invokers/http-invoker.ts'

export type ConnectorProcess = Pick<Background, 'tasks' | 'close'>

/**
 * Starts the connector with the other background work, for a process that has no gateway. It calls the functions over
 * HTTP: those deployed at OPENFAAS_URL, or those of stack.yml. The caller closes the drivers.
 */
export async function startConnectorProcess(
  environment: Environment,
  drivers: Drivers,
  log: Logger,
): Promise<ConnectorProcess> {
  const { source, urlOf } = openFunctionDirectory(environment, 'stack.yml')
  const invoker = httpInvoker({ urlOf })
  const background = await startBackground({ environment, drivers, log, source, invoker })
  const { host, metricsPort } = environment
  const admin =
    metricsPort === undefined
      ? undefined
      : await serveAdmin({
          inFlight: background.connector.inFlight,
          metrics: drivers.metrics,
          log,
          host,
          port: metricsPort,
        })
  return {
    tasks: background.tasks,
    async close() {
      await admin?.close()
      await background.close()
      await invoker.close()
    },
  }
}
