import {
  type Operations,
  type OperationsDependencies,
  openOperations,
} from '../../shared/operations/open-operations.ts'

/** Operations for a gateway without functions and connector. */
export const operationsWithoutFunctions = (
  stores: Pick<OperationsDependencies, 'bus' | 'objects' | 'store'>,
): Operations =>
  openOperations({
    ...stores,
    source: async () => [],
    probe: async () => undefined,
    connector: { inFlight: async () => undefined, status: async () => undefined },
  })
