import type { FaultCase } from './strike.ts'
import type { FaultResults } from './table.ts'

/** The resources of a strike: the component, and the process whose moment it waits for. */
const processesUsedBy = ({ component, moment }: FaultCase): string[] =>
  moment === 'during a rebalance' ? [component, 'connector', 'connector-2'] : [component]

/** A moment that did not come is waited for again, but not for ever. */
const MAX_NOT_REACHED = 5

const isFunction = ({ component }: FaultCase): boolean =>
  !['gateway', 'connector', 'broker', 'store'].includes(component)

/** All components feel the same rebalance, so those that are struck in one share it. */
const canRunTogether = (one: FaultCase, other: FaultCase): boolean =>
  one.moment === 'during a rebalance' &&
  other.moment === one.moment &&
  other.signal === one.signal &&
  isFunction(one) &&
  isFunction(other)

/**
 * Hands out the cell with the fewest repetitions whose processes no other strike uses, and the cells struck with it.
 */
export function openFaultScheduler(cases: FaultCase[], results: FaultResults, repetitions: number) {
  const usedProcesses = new Set<string>()
  let changed = Promise.withResolvers<void>()
  const injectedCount = (faultCase: FaultCase) => results.forCase(faultCase).filter(({ met }) => met).length
  const needsRuns = (faultCase: FaultCase) =>
    injectedCount(faultCase) < repetitions &&
    results.forCase(faultCase).length - injectedCount(faultCase) < MAX_NOT_REACHED
  const runningCases = new Set<FaultCase>()
  const openCases = () => cases.filter(faultCase => needsRuns(faultCase) && !runningCases.has(faultCase))
  return {
    isDone: () => !cases.some(needsRuns),
    async next(): Promise<FaultCase[]> {
      for (;;) {
        const remaining = openCases()
        if (remaining.length === 0) return []
        const free = remaining.filter(faultCase =>
          processesUsedBy(faultCase).every(one => !usedProcesses.has(one)),
        )
        const [faultCase] = free.sort(
          (one, other) => results.forCase(one).length - results.forCase(other).length,
        )
        if (faultCase) {
          const batch = free.filter(one => one === faultCase || canRunTogether(one, faultCase))
          for (const one of batch) runningCases.add(one)
          for (const name of batch.flatMap(processesUsedBy)) usedProcesses.add(name)
          return batch
        }
        await changed.promise
      }
    },
    end(batch: FaultCase[]): void {
      for (const one of batch) runningCases.delete(one)
      for (const name of batch.flatMap(processesUsedBy)) usedProcesses.delete(name)
      changed.resolve()
      changed = Promise.withResolvers()
    },
  }
}
