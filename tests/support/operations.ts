import {
  type Operations,
  type OperationsDependencies,
  openOperations,
} from '../../shared/operations/open-operations.ts'

/** Operations of a gateway beside which no function and no connector runs. */
export const operationsWithoutFunctions = (
  stores: Pick<OperationsDependencies, 'bus' | 'objects' | 'store'>,
): Operations =>
  openOperations({
    ...stores,
    source: async () => [],
    probe: async () => undefined,
    connector: { inFlight: async () => undefined, status: async () => undefined },
  })
