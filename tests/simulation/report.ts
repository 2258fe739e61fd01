import { abbreviate, type Plan, plannedMessages } from './plan.ts'
import type { RunResult } from './run.ts'
import type { ShrinkResult } from './shrink.ts'

/** The polling of an idle instance says nothing about a failure. */
const IDLE_POLLING =
  /timers\.due|markFired $|list catalogue|put catalogu|makes topics|history\.changes|begins to watch/

/** A failure for people: the broken promise, the shrunk history, and how to see it again. */
export function formatFailure({ seed, plan, violations }: RunResult, shrunk: ShrinkResult): string {
  const shownLines = shrunk.lines.filter(line => !IDLE_POLLING.test(line))
  return [
    `seed ${seed} (${plan.scenario}, mode ${plan.mode}) breaks`,
    ...violations.map(one => `  ${one}`),
    `shrunk in ${shrunk.runs} runs to ${shrunk.messages.length} messages and ${shrunk.faults.length} faults, which break`,
    ...shrunk.violations.map(one => `  ${one}`),
    'said',
    ...listMessages(plan, shrunk.messages).map(one => `  ${one}`),
    'went wrong',
    ...shrunk.faults.map(one => `  ${one}`),
    'happened (seconds)',
    ...shownLines,
    `replay: npm run simulate -- --seed ${seed}`,
  ].join('\n')
}

const listMessages = (plan: Plan, names: string[]): string[] =>
  plannedMessages(plan)
    .filter(({ name }) => names.includes(name))
    .map(({ name, text }) => `${name}: ${abbreviate(text)}`)
