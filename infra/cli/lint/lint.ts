import { LaresError } from '../../../shared/base/errors.ts'
import type { Finding } from '../doctor/finding.ts'
import { bold, formatColumns, green, print, printJson, red, yellow } from '../terminal.ts'
import { LINT_TARGETS, lintFunctions } from './lint-rules.ts'
import { readStackFile } from './lint-stack.ts'

/** The words for the levels: what the target does with the setting. */
const LEVEL_LABELS = { ok: green('ok'), warning: yellow('ignored'), problem: red('refused') }

/** Resolves with the exit status: 1 when the target would refuse something. */
export async function lintCommand(file: string, flags: { target: string; json?: boolean }): Promise<number> {
  const target = LINT_TARGETS.find(known => known === flags.target)
  if (!target)
    throw new LaresError('invalid_request', `--target ${flags.target}: there are ${LINT_TARGETS.join(', ')}`)
  const found = lintFunctions(await readStackFile(file, process.env), target)
  if (flags.json) printJson(found)
  else {
    const rows = groupByReason(found).map(({ level, what, message }) => [
      LEVEL_LABELS[level],
      bold(what),
      message,
    ])
    for (const line of formatColumns(rows)) print(line)
    if (found.length === 0) print(`${target} takes the file as it is.`)
  }
  return found.some(({ level }) => level === 'problem') ? 1 : 0
}

/** Merges findings with the same reason into one, with the names of their functions. */
function groupByReason(found: Finding[]): Finding[] {
  const groups = Map.groupBy(found, ({ level, message }) => `${level} ${message}`)
  return [...groups.values()].map(([first, ...others]) => ({
    ...first!,
    what: others.length === 0 ? first!.what : `${first!.what} and ${others.length} more`,
  }))
}
