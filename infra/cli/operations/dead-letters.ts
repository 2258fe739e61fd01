import { LaresError } from '../../../shared/base/errors.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import type { DeadLetter, DeadLetters } from '../../../shared/operations/operations.ts'
import { bold, cut, dim, print, printJson, red } from '../terminal.ts'
import { openOperations } from './operations.ts'

async function withDeadLetters(
  environment: Environment,
  work: (dead: DeadLetters) => Promise<void>,
): Promise<number> {
  const operations = await openOperations(environment)
  try {
    await work(operations.dead)
    return 0
  } finally {
    await operations.close()
  }
}

export function listDead(environment: Environment, { json }: { json?: boolean }): Promise<number> {
  return withDeadLetters(environment, async dead => {
    const letters = await dead.list()
    if (json) return printJson(letters)
    if (letters.length === 0) return print('no dead letters')
    for (const line of letters.flatMap(drawLetter)) print(line)
  })
}

/** What it is, why it failed, and where it belongs: three lines of at most 100 places. */
function drawLetter(letter: DeadLetter): string[] {
  const { id, recordedAt, type, topic, error, tries, conversation, retriedAt } = letter
  const when = recordedAt.replace('T', ' ').slice(0, 19)
  const what = `${letter.function} ← ${type?.replace(/^lares\./, '') ?? `no event, on ${topic}`}`
  const count = tries === 1 ? 'one try' : `${tries} tries`
  return [
    `${bold(id)}  ${dim(when)}  ${cut(what, 40)}`,
    `    ${red(cut(`${error.code}: ${error.message}`, 94))}`,
    `    ${dim(`${count}, in conversation`)} ${cut(conversation, 40)}${retriedAt ? dim(`, put back ${retriedAt.slice(0, 19)}`) : ''}`,
  ]
}

/** As JSON, with the event; a record that was no event also as text. */
export function showDead(environment: Environment, given: string): Promise<number> {
  return withDeadLetters(environment, async dead => {
    const { raw, ...letter } = await dead.show(await findId(dead, given))
    printJson({ ...letter, ...(raw !== undefined && { raw, text: Buffer.from(raw, 'base64').toString() }) })
  })
}

export function retryDead(
  environment: Environment,
  given: string | undefined,
  { all = false }: { all?: boolean },
): Promise<number> {
  if ((given !== undefined) === all)
    throw new LaresError('invalid_request', 'name one dead letter, or --all: lares dead list shows them')
  return withDeadLetters(environment, async dead => {
    const ids = given === undefined ? await waiting(dead) : [await findId(dead, given)]
    for (const id of ids) {
      const { topic, partition, offset } = await dead.retry(id)
      print(`${id} is back on ${topic} ${dim(`(it was at ${partition}/${offset})`)}`)
    }
    if (ids.length === 0) print('no dead letter waits')
  })
}

/** Those that nobody has put back, as they lay on their topics. */
async function waiting(dead: DeadLetters): Promise<string[]> {
  const letters = (await dead.list()).filter(({ retriedAt }) => retriedAt === undefined)
  return letters.sort(byPlace).map(({ id }) => id)
}

const byPlace = (a: DeadLetter, b: DeadLetter): number =>
  a.topic.localeCompare(b.topic) || a.partition - b.partition || a.offset - b.offset

async function findId(dead: DeadLetters, beginning: string): Promise<string> {
  const found = (await dead.list()).filter(({ id }) => id.startsWith(beginning))
  if (found.length === 1) return found[0]!.id
  const many = found.length === 0 ? 'no dead letter begins' : `${found.length} dead letters begin`
  throw new LaresError('not_found', `${many} with "${beginning}": lares dead list shows them`)
}
