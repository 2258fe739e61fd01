import { LaresError } from '../../../shared/base/errors.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import type { DeadLetter, DeadLetters, FunctionStatus } from '../../../shared/operations/operations.ts'
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

/** The event, the reason of its failure and its topic: three lines of at most 100 columns. */
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

/** Prints a dead letter as JSON, with the event; a record that was not an event also as text. */
export function showDeadLetter(environment: Environment, idPrefix: string): Promise<number> {
  return withDeadLetters(environment, async deadLetters => {
    const { raw, ...metadata } = await deadLetters.show((await findByIdPrefix(deadLetters, idPrefix)).id)
    printJson({ ...metadata, ...(raw !== undefined && { raw, text: Buffer.from(raw, 'base64').toString() }) })
  })
}

export type RetryFlags = { all?: boolean; force?: boolean }

/**
 * Puts dead letters back on their topics. One whose topic no reachable function reads stays, because it would only
 * become another dead letter; `force` puts it back anyway. Resolves with the exit status: 1 when one stayed.
 */
export async function retryDeadLetters(
  environment: Environment,
  idPrefix: string | undefined,
  { all = false, force = false }: RetryFlags,
): Promise<number> {
  if ((idPrefix !== undefined) === all)
    throw new LaresError('invalid_request', 'name one dead letter, or --all: lares dead list shows them')
  const { deadLetters, status } = await connectOperations(environment)
  const selected =
    idPrefix === undefined
      ? await unretriedDeadLetters(deadLetters)
      : [await findByIdPrefix(deadLetters, idPrefix)]
  if (selected.length === 0) print('no dead letter waits')
  const functions = force ? [] : (await status()).functions
  let left = 0
  for (const { id, topic } of selected) {
    const obstacle = force ? undefined : describeObstacle(topic, functions)
    if (obstacle === undefined) await putBack(deadLetters, id)
    else print(`${id} stays: ${red(obstacle)}`)
    if (obstacle !== undefined) left++
  }
  return left === 0 ? 0 : 1
}

async function putBack(deadLetters: DeadLetters, id: string): Promise<void> {
  const { topic, partition, offset } = await deadLetters.retry(id)
  print(`${id} is back on ${topic} ${dim(`(it was at ${partition}/${offset})`)}`)
}

/** The reason why an event on this topic would fail again; undefined when a function that reads it can be called. */
function describeObstacle(topic: string, functions: FunctionStatus[]): string | undefined {
  const readers = functions.filter(({ topics }) => topics.includes(topic))
  if (readers.length === 0)
    return `no deployed function reads ${topic}: deploy it first, or put it back with --force`
  if (readers.some(({ problem }) => problem === undefined)) return undefined
  const { name, problem } = readers[0]!
  return `${name} cannot be called (${problem}): start it first, or put it back with --force`
}

/** The dead letters that nobody has put back, in the order of the log. */
async function unretriedDeadLetters(deadLetters: DeadLetters): Promise<DeadLetter[]> {
  const unretried = (await deadLetters.list()).filter(({ retriedAt }) => retriedAt === undefined)
  return unretried.sort(compareByLogPosition)
}

const compareByLogPosition = (a: DeadLetter, b: DeadLetter): number =>
  a.topic.localeCompare(b.topic) || a.partition - b.partition || a.offset - b.offset

async function findByIdPrefix(deadLetters: DeadLetters, prefix: string): Promise<DeadLetter> {
  const matches = (await deadLetters.list()).filter(({ id }) => id.startsWith(prefix))
  if (matches.length === 1) return matches[0]!
  const many = matches.length === 0 ? 'no dead letter begins' : `${matches.length} dead letters begin`
  throw new LaresError('not_found', `${many} with "${prefix}": lares dead list shows them`)
}
