import type { FaultName } from './faults.ts'
import { plannedMessages } from './plan.ts'
import { type RunResult, runSimulation } from './run.ts'

/** A history as short as it could be made that breaks the same promise. */
export type ShrinkResult = {
  faults: string[]
  messages: string[]
  violations: string[]
  runs: number
  lines: string[]
}

/** The number of runs after which a history is short enough. */
const MAX_RUNS = 200

/**
 * Removes messages and faults as long as the same promise is broken, first halves and then single ones (delta
 * debugging, Zeller and Hildebrandt 2002). The rest happens as before, since no decision depends on another.
 */
export async function shrink(failed: RunResult, kinds?: readonly FaultName[]): Promise<ShrinkResult> {
  const { seed } = failed
  const promise = failed.violations[0]!.slice(0, 2)
  let runs = 0
  const rerun = async (faults: string[], messages: string[], lines?: string[]) => {
    runs++
    const only = { faults: new Set(faults), says: new Set(messages) }
    return await runSimulation({ seed, only, ...(kinds && { kinds }), ...(lines && { lines }) })
  }
  const stillBreaks = async (faults: string[], messages: string[]) =>
    (await rerun(faults, messages)).violations.some(violation => violation.startsWith(promise))
  let faults = failed.faults
  let messages = plannedMessages(failed.plan).map(({ name }) => name)
  let isShorter = true
  while (isShorter && runs < MAX_RUNS) {
    const previousSize = faults.length + messages.length
    messages = await minimise(
      messages,
      some => stillBreaks(faults, some),
      () => runs < MAX_RUNS,
    )
    faults = await minimise(
      faults,
      some => stillBreaks(some, messages),
      () => runs < MAX_RUNS,
    )
    isShorter = faults.length + messages.length < previousSize
  }
  const lines: string[] = []
  const { violations } = await rerun(faults, messages, lines)
  return { faults, messages, violations, runs, lines }
}

async function minimise(
  items: string[],
  stillBreaks: (items: string[]) => Promise<boolean>,
  hasBudget: () => boolean,
): Promise<string[]> {
  let kept = items
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let at = 0; at < kept.length && hasBudget(); ) {
      const fewer = [...kept.slice(0, at), ...kept.slice(at + size)]
      if (await stillBreaks(fewer)) kept = fewer
      else at += size
    }
  return kept
}
