import { type Plan, saysIn, shown } from './plan.ts'
import type { RunResult } from './run.ts'
import type { Shrunk } from './shrink.ts'

/** What goes on in an idle house says nothing about a failure. */
const IDLE =
  /timers\.due|markFired $|list catalogue|put catalogu|makes topics|history\.changes|begins to watch/

/** A failure as people read it: what broke, what is left of the history that broke it, and how to see it again. */
export function failureReport({ seed, plan, violations }: RunResult, shrunk: Shrunk): string {
  const left = shrunk.lines.filter(line => !IDLE.test(line))
  return [
    `seed ${seed} (${plan.weather}, mode ${plan.mode}) breaks`,
    ...violations.map(one => `  ${one}`),
    `shrunk in ${shrunk.runs} runs to ${shrunk.says.length} messages and ${shrunk.faults.length} faults, which break`,
    ...shrunk.violations.map(one => `  ${one}`),
    'said',
    ...saidIn(plan, shrunk.says).map(one => `  ${one}`),
    'went wrong',
    ...shrunk.faults.map(one => `  ${one}`),
    'happened (seconds)',
    ...left,
    `replay: npm run simulate -- --seed ${seed}`,
  ].join('\n')
}

const saidIn = (plan: Plan, says: string[]): string[] =>
  saysIn(plan)
    .filter(({ name }) => says.includes(name))
    .map(({ name, text }) => `${name}: ${shown(text)}`)
