import { LaresError } from '../../../shared/base/errors.ts'
import { bold, columns, green, print, printJson, red, yellow } from '../terminal.ts'
import { lint, TARGETS } from './lint-rules.ts'
import { readWholeStack } from './lint-stack.ts'

/** What they mean for a target. */
const WORDS = { ok: green('ok'), warning: yellow('ignored'), problem: red('refused') }

/** The status is 1 when something would be refused. */
export async function lintCommand(file: string, flags: { target: string; json?: boolean }): Promise<number> {
  const target = TARGETS.find(known => known === flags.target)
  if (!target)
    throw new LaresError('invalid_request', `--target ${flags.target}: there are ${TARGETS.join(', ')}`)
  const found = lint(await readWholeStack(file, process.env), target)
  if (flags.json) printJson(found)
  else {
    const rows = found.map(({ level, what, message }) => [WORDS[level], bold(what), message])
    for (const line of columns(rows)) print(line)
    if (found.length === 0) print(`${target} takes all of it as it is.`)
  }
  return found.some(({ level }) => level === 'problem') ? 1 : 0
}
