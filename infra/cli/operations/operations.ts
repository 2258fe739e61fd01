import { join } from 'node:path'
import * as z from 'zod'
import { silentLogger } from '../../../shared/base/log.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import { openDrivers } from '../../../shared/host/drivers.ts'
import { openDeadLetters } from '../../../shared/operations/dead-letters.ts'
import {
  type DeadLetters,
  deadLetterDetailsSchema,
  deadLetterSchema,
  type OperationStatus,
  operationStatusSchema,
} from '../../../shared/operations/operations.ts'
import { openStatus } from '../../../shared/operations/status.ts'
import { type Trace, type TraceRequest, traceSchema } from '../../../shared/operations/trace-types.ts'
import { openTracer } from '../../../shared/operations/tracer.ts'
import { openInFlightClient } from '../../connector/admin.ts'
import { httpInvoker } from '../../connector/invokers/http-invoker.ts'
import { openFunctionDirectory } from '../../connector/provider-source.ts'
import { connectToGateway } from '../connection.ts'
import type { GatewayClient } from '../gateway-client.ts'

export const STACK_FILE = join(import.meta.dirname, '..', '..', '..', 'stack.yml')

/** What an operator asks for and does. */
export type Operations = {
  status(): Promise<OperationStatus>
  deadLetters: DeadLetters
  trace(request: TraceRequest): Promise<Trace>
  close(): Promise<void>
}

/**
 * Kafka is asked itself, so it works whatever else is down. The embedded log belongs to its process: the gateway in
 * there is asked. Errors: those of `connect`, and of the bus.
 */
export async function openOperations(environment: Environment): Promise<Operations> {
  return environment.bus === 'kafka'
    ? await openBusOperations(environment)
    : openGatewayOperations(await connectToGateway(environment))
}

function openGatewayOperations(client: GatewayClient): Operations {
  const deadLetterListSchema = z.object({ deadLetters: z.array(deadLetterSchema) })
  const deadLetterPath = (id: string) => `/api/dead/${encodeURIComponent(id)}`
  return {
    status: () => client.request('/api/status', operationStatusSchema),
    trace: ({ id, turns }) =>
      client.request(`/api/trace/${encodeURIComponent(id)}?turns=${turns}`, traceSchema),
    deadLetters: {
      list: async () => (await client.request('/api/dead', deadLetterListSchema)).deadLetters,
      show: id => client.request(deadLetterPath(id), deadLetterDetailsSchema),
      retry: id => client.request(`${deadLetterPath(id)}/retry`, deadLetterSchema, { method: 'POST' }),
    },
    close: async () => undefined,
  }
}

async function openBusOperations(environment: Environment): Promise<Operations> {
  const drivers = openDrivers(environment, silentLogger)
  const [bus, objects, { records, history }] = await Promise.all([
    drivers.bus(),
    drivers.objects(),
    drivers.store(),
  ])
  await bus.check()
  const unaudited = openDeadLetters({ bus, objects, records })
  const audit = await drivers.audit()
  const recordRead = (what: string, id: string) =>
    audit.record({ action: 'read', by: 'operator', about: { what, id } })
  const deadLetters: DeadLetters = {
    ...unaudited,
    async show(id) {
      await recordRead('dead letter', id)
      return await unaudited.show(id)
    },
  }
  const { source, urlOf } = openFunctionDirectory(environment, STACK_FILE)
  const invoker = httpInvoker({ urlOf })
  const hasAddress = (name: string) =>
    environment.openfaasUrl !== undefined || environment.functionUrls.has(name)
  const probe = async (name: string) => {
    if (hasAddress(name)) await invoker.manifest(name)
  }
  const inFlight = openInFlightClient(join(environment.dataDirectory, 'run'))
  const trace = openTracer({ bus, objects, history, deadLetters: deadLetters, source, inFlight: inFlight })
  return {
    deadLetters,
    status: openStatus({ bus, deadLetters: deadLetters, probe: probe, source }),
    async trace(request) {
      await recordRead('trace', request.id)
      return await trace(request)
    },
    async close() {
      await invoker.close()
      await drivers.close()
    },
  }
}
