import { createInterface } from 'node:readline/promises'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import { type ErasureReport, erasePerson } from '../../../shared/protection/forget.ts'
import { bold, formatColumns, print, printJson, printToStderr } from '../terminal.ts'
import { requireKnownPerson } from './known-person.ts'
import { withStores } from './stores.ts'

export type ForgetFlags = { yes?: boolean; json?: boolean }

export async function forgetCommand(
  environment: Environment,
  person: string,
  flags: ForgetFlags,
): Promise<number> {
  const isProtected = environment.masterKey !== undefined
  const report = await withStores(environment, async stores => {
    await requireKnownPerson(person, environment, stores)
    if (!flags.yes) await confirmErasure(person)
    return await erasePerson(person, stores)
  })
  if (flags.json) printJson(report)
  else printErasureReport(report, isProtected)
  return 0
}

/**
 * Asks for the person's name, because an erasure cannot be undone. Errors: `invalid_request` without a terminal, or for
 * another name.
 */
async function confirmErasure(person: string): Promise<void> {
  if (!process.stdin.isTTY)
    throw new LaresError(
      'invalid_request',
      `there is no terminal to confirm it: run "lares forget ${person} --yes" if you mean it`,
    )
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    printToStderr(
      `Everything of "${person}" is destroyed, in all stores, on the log and in backups. It cannot be undone.`,
    )
    const answer = await terminal.question(`Type the name again to go on: `)
    if (answer.trim() !== person) throw new LaresError('invalid_request', 'nothing was forgotten')
  } finally {
    terminal.close()
  }
}

function printErasureReport({ person, ...counts }: ErasureReport, isProtected: boolean): void {
  print(`Lares has forgotten ${bold(`"${person}"`)}. It destroyed:`)
  for (const line of formatColumns(
    Object.entries(counts).map(([what, count]) => [`  ${what}`, String(count)]),
  ))
    print(line)
  for (const note of isProtected ? NOTES_IF_ENCRYPTED : NOTES_IF_PLAIN_TEXT) print(note)
}

const NOTES_IF_ENCRYPTED = [
  'What the log and backups still hold was encrypted with that key, and nobody can read it.',
  'A backup of the key ring that is older than this still has the key: "lares keys rotate" makes it worthless.',
  'A token in gateway.yaml stays until you remove it; whoever uses it is somebody new.',
]
const NOTES_IF_PLAIN_TEXT = [
  'Nothing was encrypted (LARES_PROTECTION=off): the log keeps events for 7 days, and backups keep what is in them.',
]
