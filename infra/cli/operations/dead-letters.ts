import { LaresError } from '../../../shared/base/errors.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import type { DeadLetter, DeadLetters } from '../../../shared/operations/operations.ts'
import { bold, dim, print, printJson, red, truncate } from '../terminal.ts'
import { connectOperations } from './operations.ts'

async function withDeadLetters(
  environment: Environment,
  action: (dead: DeadLetters) => Promise<void>,
): Promise<number> {
  const { deadLetters } = await connectOperations(environment)
  await action(deadLetters)
  return 0
}

export function listDeadLetters(environment: Environment, { json }: { json?: boolean }): Promise<number> {
  return withDeadLetters(environment, async deadLetters => {
    const listed = await deadLetters.list()
    if (json) return printJson(listed)
    if (listed.length === 0) return print('no dead letters')
    for (const line of listed.flatMap(formatDeadLetter)) print(line)
  })
}

/** What it is, why it failed, and where it belongs: three lines of at most 100 places. */
function formatDeadLetter(deadLetter: DeadLetter): string[] {
  const { id, recordedAt, type, topic, error, tries, conversation, retriedAt } = deadLetter
  const when = recordedAt.replace('T', ' ').slice(0, 19)
  const what = `${deadLetter.function} ← ${type?.replace(/^lares\./, '') ?? `no event, on ${topic}`}`
  const count = tries === 1 ? 'one try' : `${tries} tries`
  return [
    `${bold(id)}  ${dim(when)}  ${truncate(what, 40)}`,
    `    ${red(truncate(`${error.code}: ${error.message}`, 94))}`,
    `    ${dim(`${count}, in conversation`)} ${truncate(conversation, 40)}${retriedAt ? dim(`, put back ${retriedAt.slice(0, 19)}`) : ''}`,
  ]
}

/** As JSON, with the event; a record that was no event also as text. */
export function showDeadLetter(environment: Environment, idPrefix: string): Promise<number> {
  return withDeadLetters(environment, async deadLetters => {
    const { raw, ...metadata } = await deadLetters.show(await resolveIdPrefix(deadLetters, idPrefix))
    printJson({ ...metadata, ...(raw !== undefined && { raw, text: Buffer.from(raw, 'base64').toString() }) })
  })
}

export function retryDeadLetters(
  environment: Environment,
  idPrefix: string | undefined,
  { all = false }: { all?: boolean },
): Promise<number> {
  if ((idPrefix !== undefined) === all)
    throw new LaresError('invalid_request', 'name one dead letter, or --all: lares dead list shows them')
  return withDeadLetters(environment, async deadLetters => {
    const ids =
      idPrefix === undefined
        ? await unretriedIds(deadLetters)
        : [await resolveIdPrefix(deadLetters, idPrefix)]
    for (const id of ids) {
      const { topic, partition, offset } = await deadLetters.retry(id)
      print(`${id} is back on ${topic} ${dim(`(it was at ${partition}/${offset})`)}`)
    }
    if (ids.length === 0) print('no dead letter waits')
  })
}

/** Those that nobody has put back, as they lay on their topics. */
async function unretriedIds(deadLetters: DeadLetters): Promise<string[]> {
  const unretried = (await deadLetters.list()).filter(({ retriedAt }) => retriedAt === undefined)
  return unretried.sort(compareByLogPosition).map(({ id }) => id)
}

const compareByLogPosition = (a: DeadLetter, b: DeadLetter): number =>
  a.topic.localeCompare(b.topic) || a.partition - b.partition || a.offset - b.offset

async function resolveIdPrefix(deadLetters: DeadLetters, prefix: string): Promise<string> {
  const matches = (await deadLetters.list()).filter(({ id }) => id.startsWith(prefix))
  if (matches.length === 1) return matches[0]!.id
  const many = matches.length === 0 ? 'no dead letter begins' : `${matches.length} dead letters begin`
  throw new LaresError('not_found', `${many} with "${prefix}": lares dead list shows them`)
}
