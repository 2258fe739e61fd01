import type { Bus } from '../bus/bus.ts'
import type { FunctionSource } from '../contract/stack.ts'
import type { Objects } from '../objects/objects.ts'
import type { Store } from '../store/store.ts'
import type { ConnectorView } from './connector-view.ts'
import { openDeadLetters } from './dead-letters.ts'
import type { DeadLetters, OperationStatus } from './operations.ts'
import { openStatus } from './status.ts'
import type { Tracer } from './trace-types.ts'
import { openTracer } from './tracer.ts'

/** The owner's queries and actions. The gateway serves them in every deployment. */
export type Operations = {
  status(): Promise<OperationStatus>
  deadLetters: DeadLetters
  trace: Tracer
}

export type OperationsDependencies = {
  bus: Bus
  objects: Objects
  store: Pick<Store, 'records' | 'history'>
  /** The deployed functions. */
  source: FunctionSource
  /** Calls a function to check that it answers; rejects with the reason. */
  probe(name: string): Promise<unknown>
  connector: ConnectorView
}

export function openOperations({
  bus,
  objects,
  store: { records, history },
  source,
  probe,
  connector,
}: OperationsDependencies): Operations {
  const deadLetters = openDeadLetters({ bus, objects, records })
  return {
    deadLetters,
    status: openStatus({ bus, source, deadLetters, probe, connector }),
    trace: openTracer({ bus, objects, history, deadLetters, source, inFlight: connector.inFlight }),
  }
}
