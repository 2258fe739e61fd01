import type { Readable } from 'node:stream'
import { LaresError } from '../../../shared/base/errors.ts'
import { isClaimCheck } from '../../../shared/contract/events/event-log.ts'
import type { ObjectStore } from '../../../shared/objects/objects.ts'
import { folderOf, personOfKey } from '../../../shared/objects/person-folder.ts'
import type { Protection } from '../../../shared/protection/protection.ts'
import type { Conversations, Row } from '../../../shared/store/store.ts'
import type { Vectors } from '../../../shared/vectors/vectors.ts'
import { type Line, type LineOf, VERSION } from './export-format.ts'
import { toText } from './vector-text.ts'

export type MovedStores = {
  conversations: Conversations
  vectors: Vectors
  objects: ObjectStore
  /** Whose keys are made for the people that are imported; undefined: nothing is encrypted. */
  protection?: Pick<Protection, 'keys'> | undefined
}

export type ExportOptions = {
  /** None: everybody. */
  person?: string | undefined
  /** Also when messages wait for their reply: they are exported as interrupted. */
  unfinished?: boolean | undefined
}

/** A line, or an object with its bytes. */
export type Item =
  | { line: Exclude<Line, { kind: 'object' | 'end' | 'bytes' }> }
  | { object: LineOf<'object'>; data: Readable }

/**
 * All that the stores keep, of one person or of everybody, in the clear. Not what is on its way on the log: a message that
 * waits for its reply would wait for ever elsewhere. Errors: `conflict` when there are such messages; `unavailable`.
 */
export async function* exportItems(
  stores: MovedStores,
  { person, unfinished }: ExportOptions,
): AsyncGenerator<Item> {
  const { conversations } = stores
  if (!unfinished) await requireRest(conversations, person)
  yield {
    line: {
      kind: 'lares-export',
      version: VERSION,
      at: new Date().toISOString(),
      ...(person !== undefined && { person }),
    },
  }
  const people = person === undefined ? ['', ...(await everybody(stores))] : [person]
  for (const one of people) for await (const line of rowsOf(conversations, one)) yield { line }
  for await (const line of vectorsOf(stores.vectors, people)) yield { line }
  yield* objectsOf(stores.objects, person === undefined ? '' : folderOf(person))
}

async function requireRest({ history }: Conversations, person: string | undefined): Promise<void> {
  const waiting = (await history.waiting()).filter(one => person === undefined || one.person === person)
  const count = waiting.reduce((sum, one) => sum + one.count, 0)
  if (count > 0)
    throw new LaresError(
      'conflict',
      `${count} messages wait for their reply: let Lares answer them first, or export them as interrupted with --unfinished`,
    )
}

async function everybody({ conversations, objects }: MovedStores): Promise<string[]> {
  const people = new Set(await conversations.rows.people())
  for await (const key of objects.list('people/')) people.add(personOfKey(key))
  people.delete('')
  return [...people].sort()
}

type RowLine = LineOf<Row['kind']>

async function* rowsOf({ rows, history }: Conversations, person: string): AsyncGenerator<RowLine> {
  let place = 0
  for await (const row of rows.read(person)) {
    if (row.kind === 'message') yield { ...atRest(row), place: ++place }
    else if (row.kind === 'conversation') {
      place = 0
      const { state, ...rest } = row
      const isAtRest = (await history.waiting(row.id)).length === 0
      // A state that waits for what is on the log here would wait there for ever.
      yield isAtRest && state !== undefined ? { ...rest, state } : rest
    } else yield row
  }
}

const atRest = (row: Extract<Row, { kind: 'message' }>) =>
  row.status === 'queued' || row.status === 'answering' ? { ...row, status: 'interrupted' as const } : row

async function* vectorsOf(vectors: Vectors, people: string[]): AsyncGenerator<LineOf<'vector'>> {
  for (const model of await vectors.models()) {
    const space = await vectors.space(model)
    for (const person of people)
      for await (const { id, values } of space.read(person))
        yield { kind: 'vector', model, person, id, values: toText(values) }
  }
}

async function* objectsOf(objects: ObjectStore, prefix: string): AsyncGenerator<Item> {
  for await (const key of objects.list(prefix)) {
    if (isClaimCheck(key)) continue
    const { facts, data } = await objects.read(key)
    const { mediaType, bytes, sha256 } = facts
    yield { object: { kind: 'object', key, mediaType, bytes, sha256 }, data }
  }
}
