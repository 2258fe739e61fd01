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
import { connect } from '../connection.ts'
import type { GatewayClient } from '../gateway-client.ts'

export const STACK_FILE = join(import.meta.dirname, '..', '..', '..', 'stack.yml')

/** What an operator asks for and does. */
export type Operations = {
  status(): Promise<OperationStatus>
  dead: DeadLetters
  trace(request: TraceRequest): Promise<Trace>
  close(): Promise<void>
}

/**
 * Kafka is asked itself, so it works whatever else is down. The embedded log belongs to its process: the gateway in
 * there is asked. Errors: those of `connect`, and of the bus.
 */
export async function openOperations(environment: Environment): Promise<Operations> {
  return environment.bus === 'kafka'
    ? await throughBus(environment)
    : throughGateway(await connect(environment))
}

function throughGateway(client: GatewayClient): Operations {
  const list = z.object({ deadLetters: z.array(deadLetterSchema) })
  const at = (id: string) => `/api/dead/${encodeURIComponent(id)}`
  return {
    status: () => client.ask('/api/status', operationStatusSchema),
    trace: ({ id, turns }) => client.ask(`/api/trace/${encodeURIComponent(id)}?turns=${turns}`, traceSchema),
    dead: {
      list: async () => (await client.ask('/api/dead', list)).deadLetters,
      show: id => client.ask(at(id), deadLetterDetailsSchema),
      retry: id => client.ask(`${at(id)}/retry`, deadLetterSchema, { method: 'POST' }),
    },
    close: async () => undefined,
  }
}

async function throughBus(environment: Environment): Promise<Operations> {
  const drivers = openDrivers(environment, silentLogger)
  const [bus, objects, { records, history }] = await Promise.all([
    drivers.bus(),
    drivers.objects(),
    drivers.store(),
  ])
  await bus.check()
  const letters = openDeadLetters({ bus, objects, records })
  const audit = await drivers.audit()
  const read = (what: string, id: string) =>
    audit.record({ action: 'read', by: 'operator', about: { what, id } })
  const dead: DeadLetters = {
    ...letters,
    async show(id) {
      await read('dead letter', id)
      return await letters.show(id)
    },
  }
  const { source, urlOf } = openFunctionDirectory(environment, STACK_FILE)
  const invoker = httpInvoker({ urlOf })
  const known = (name: string) => environment.openfaasUrl !== undefined || environment.functionUrls.has(name)
  const reach = async (name: string) => {
    if (known(name)) await invoker.manifest(name)
  }
  const standings = openInFlightClient(join(environment.dataDirectory, 'run'))
  const trace = openTracer({ bus, objects, history, deadLetters: dead, source, inFlight: standings })
  return {
    dead,
    status: openStatus({ bus, deadLetters: dead, probe: reach, source }),
    async trace(asked) {
      await read('trace', asked.id)
      return await trace(asked)
    },
    async close() {
      await invoker.close()
      await drivers.close()
    },
  }
}
