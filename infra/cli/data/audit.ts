import { LaresError } from '../../../shared/base/errors.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import type { ChainHead } from '../../../shared/protection/audit/entry.ts'
import { dim, formatColumns, green, print, printJson, red } from '../terminal.ts'
import { withStores } from './stores.ts'

const PAGE_SIZE = 1_000

export async function showAudit(
  environment: Environment,
  { last, json }: { last: number; json?: boolean },
): Promise<number> {
  const entries = await withStores(environment, async ({ audit }) => {
    const { head } = await audit.verify()
    return await audit.read(Math.max(0, head.sequence - last), Math.max(last, PAGE_SIZE))
  })
  if (json) printJson(entries)
  else if (entries.length === 0) print('nothing was recorded yet')
  else for (const line of formatColumns(entries.map(toTableRow))) print(line)
  return 0
}

const toTableRow = ({
  sequence,
  at,
  action,
  by,
  about,
}: {
  sequence: number
  at: string
  action: string
  by: string
  about: object
}) => [
  String(sequence),
  dim(at.replace('T', ' ').slice(0, 19)),
  action,
  by,
  Object.entries(about)
    .map(([name, value]) => `${name} ${value}`)
    .join(', '),
]

/** Resolves with the exit status: 1 when the audit log has a fault. */
export async function verifyAudit(
  environment: Environment,
  { head: headText, json }: { head?: string; json?: boolean },
): Promise<number> {
  const expected = headText === undefined ? [] : [parseHead(headText)]
  const verification = await withStores(environment, ({ audit }) => audit.verify(expected))
  const { entries, head, anchor, problems } = verification
  if (json) printJson(verification)
  else if (problems.length > 0) for (const { what } of problems) print(`${red('✗')} ${what}`)
  else {
    const end = anchor
      ? `up to the anchor in the key ring (${anchor.sequence})`
      : 'without an anchor: give --head'
    print(`${green('✓')} ${entries} entries, each where it was and as it was, ${end}`)
    print(`head ${head.sequence}:${head.hash}  ${dim('keep it elsewhere, and give it with --head')}`)
  }
  return problems.length === 0 ? 0 : 1
}

function parseHead(text: string): ChainHead {
  const [, sequence, hash] = /^(\d+):([0-9a-f]{64})$/.exec(text) ?? []
  if (sequence && hash) return { sequence: Number(sequence), hash }
  throw new LaresError('invalid_request', `"${text}" is no head: "lares audit verify" prints one`)
}
