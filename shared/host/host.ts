import type { Environment } from '../config/environment.ts'
import type { AnyFunction } from '../contract/definition.ts'
import { createInvocable } from '../contract/invoke.ts'
import { serve } from '../contract/serve.ts'
import { meteredFunction } from '../observability/metered-function.ts'
import { openLogger } from '../observability/pino-log.ts'
import { openDrivers } from './drivers.ts'

export type HostedFunction = { port: number; stop(): Promise<void> }

/**
 * Makes this process the function: with the drivers that the environment chooses, on its host and port. Errors:
 * `invalid_config` for an invalid definition, `unavailable` for a port or a driver that cannot be opened.
 */
export async function hostFunction(
  definition: AnyFunction,
  environment: Environment,
): Promise<HostedFunction> {
  const log = openLogger(definition.name, environment.logLevel)
  const drivers = openDrivers(environment, log)
  const services = await drivers.services(definition.uses ?? [])
  const { metrics } = drivers
  const metered = meteredFunction(
    createInvocable(definition, {
      services,
      objects: { get: async key => (await drivers.objects()).get(key) },
      log,
    }),
    metrics,
  )
  const { host, port } = environment
  const running = await serve(metered, { port, host, log, metrics })
  return {
    port: running.port,
    async stop() {
      await running.drain()
      await drivers.close()
    },
  }
}
