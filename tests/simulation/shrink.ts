import type { FaultName } from './faults.ts'
import { saysIn } from './plan.ts'
import { type RunResult, run } from './run.ts'

/** A history as short as it could be made that breaks the same promise. */
export type Shrunk = { faults: string[]; says: string[]; violations: string[]; runs: number; lines: string[] }

/** Beyond so many runs a history is short enough. */
const MOST_RUNS = 200

/**
 * Takes away messages and faults as long as the same promise is broken, first halves and then single ones (delta
 * debugging, Zeller and Hildebrandt 2002). What is left happens as before, since no decision depends on another.
 */
export async function shrink(failed: RunResult, kinds?: readonly FaultName[]): Promise<Shrunk> {
  const { seed } = failed
  const promise = failed.violations[0]!.slice(0, 2)
  let runs = 0
  const again = async (faults: string[], says: string[], lines?: string[]) => {
    runs++
    const only = { faults: new Set(faults), says: new Set(says) }
    return await run({ seed, only, ...(kinds && { kinds }), ...(lines && { lines }) })
  }
  const breaks = async (faults: string[], says: string[]) =>
    (await again(faults, says)).violations.some(violation => violation.startsWith(promise))
  let faults = failed.faults
  let says = saysIn(failed.plan).map(({ name }) => name)
  let isShorter = true
  while (isShorter && runs < MOST_RUNS) {
    const before = faults.length + says.length
    says = await without(
      says,
      some => breaks(faults, some),
      () => runs < MOST_RUNS,
    )
    faults = await without(
      faults,
      some => breaks(some, says),
      () => runs < MOST_RUNS,
    )
    isShorter = faults.length + says.length < before
  }
  const lines: string[] = []
  const { violations } = await again(faults, says, lines)
  return { faults, says, violations, runs, lines }
}

async function without(
  items: string[],
  holds: (items: string[]) => Promise<boolean>,
  mayGoOn: () => boolean,
): Promise<string[]> {
  let kept = items
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let at = 0; at < kept.length && mayGoOn(); ) {
      const fewer = [...kept.slice(0, at), ...kept.slice(at + size)]
      if (await holds(fewer)) kept = fewer
      else at += size
    }
  return kept
}
