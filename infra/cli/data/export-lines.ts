import type { Readable } from 'node:stream'
import { LaresError } from '../../../shared/base/errors.ts'
import { isClaimCheck } from '../../../shared/contract/events/event-log.ts'
import type { ObjectStore } from '../../../shared/objects/objects.ts'
import { personFolder, personOfKey } from '../../../shared/objects/person-folder.ts'
import { isEnvelopeText } from '../../../shared/protection/envelope.ts'
import type { Protection } from '../../../shared/protection/protection.ts'
import type { Store, StoreRow } from '../../../shared/store/store.ts'
import type { Vectors } from '../../../shared/vectors/vectors.ts'
import { EXPORT_VERSION, type ExportLine, type ExportLineOf } from './export-format.ts'
import { encodeVector } from './vector-text.ts'

export type ExportStores = {
  store: Store
  vectors: Vectors
  objects: ObjectStore
  /** Makes the keys of imported people. Undefined: the instance encrypts nothing. */
  protection: Pick<Protection, 'keys'> | undefined
}

export type ExportOptions = {
  /** Undefined: everybody. */
  person?: string | undefined
  /** Also exports while messages wait for their reply, and marks those as interrupted. */
  unfinished?: boolean | undefined
}

/** A line, or an object with its bytes. */
export type ExportItem =
  | { line: Exclude<ExportLine, { kind: 'object' | 'end' | 'bytes' }> }
  | { object: ExportLineOf<'object'>; data: Readable }

/**
 * Yields all data that the stores hold of one person or of everybody, decrypted. It leaves out events on the log: a
 * message that waits for its reply would wait for ever elsewhere. Errors: `conflict` when such messages exist;
 * `unavailable`.
 */
export async function* exportItems(
  stores: ExportStores,
  { person, unfinished }: ExportOptions,
): AsyncGenerator<ExportItem> {
  const { store } = stores
  if (!unfinished) await requireNoPendingMessages(store, person)
  yield {
    line: {
      kind: 'lares-export',
      version: EXPORT_VERSION,
      at: new Date().toISOString(),
      ...(person !== undefined && { person }),
    },
  }
  const people = person === undefined ? ['', ...(await allPeople(stores))] : [person]
  for (const one of people)
    for await (const line of exportRows(store, one)) {
      if (!stores.protection) requirePlainText(line)
      yield { line }
    }
  for await (const line of exportVectors(stores.vectors, people)) yield { line }
  yield* exportObjects(stores.objects, person === undefined ? '' : personFolder(person))
}

/** Refuses encrypted rows: without keys, the export would pass off an envelope as a person's words. */
function requirePlainText(row: RowLine): void {
  const content: unknown[] =
    row.kind === 'document' ? [row.body] : row.kind === 'conversation' ? [row.state] : [row.text]
  if (!content.some(isEnvelopeText)) return
  throw new LaresError(
    'invalid_config',
    `the ${row.kind} "${row.id}" is encrypted, and this export runs without keys: run it without LARES_PROTECTION=off, with the master key and the key ring in place`,
  )
}

async function requireNoPendingMessages({ history }: Store, person: string | undefined): Promise<void> {
  const waiting = (await history.backlog()).filter(one => person === undefined || one.person === person)
  const count = waiting.reduce((sum, one) => sum + one.count, 0)
  if (count > 0)
    throw new LaresError(
      'conflict',
      `${count} messages wait for their reply: let Lares answer them first, or export them as interrupted with --unfinished`,
    )
}

async function allPeople({ store, objects }: ExportStores): Promise<string[]> {
  const people = new Set(await store.rows.people())
  for await (const key of objects.list('people/')) people.add(personOfKey(key))
  people.delete('')
  return [...people].sort()
}

type RowLine = ExportLineOf<StoreRow['kind']>

async function* exportRows({ rows, history }: Store, person: string): AsyncGenerator<RowLine> {
  let place = 0
  for await (const row of rows.read(person)) {
    if (row.kind === 'message') yield { ...asInterrupted(row), place: ++place }
    else if (row.kind === 'conversation') {
      place = 0
      const { state, ...rest } = row
      const isAtRest = (await history.backlog(row.id)).length === 0
      // A state that waits for events on this instance's log would wait for ever elsewhere.
      yield isAtRest && state !== undefined ? { ...rest, state } : rest
    } else yield row
  }
}

const asInterrupted = (row: Extract<StoreRow, { kind: 'message' }>) =>
  row.status === 'queued' || row.status === 'answering' ? { ...row, status: 'interrupted' as const } : row

async function* exportVectors(vectors: Vectors, people: string[]): AsyncGenerator<ExportLineOf<'vector'>> {
  for (const model of await vectors.models()) {
    const space = await vectors.index(model)
    for (const person of people)
      for await (const { id, values } of space.read(person))
        yield { kind: 'vector', model, person, id, values: encodeVector(values) }
  }
}

async function* exportObjects(objects: ObjectStore, prefix: string): AsyncGenerator<ExportItem> {
  for await (const key of objects.list(prefix)) {
    if (isClaimCheck(key)) continue
    const { metadata, data } = await objects.read(key)
    const { mediaType, bytes, sha256 } = metadata
    yield { object: { kind: 'object', key, mediaType, bytes, sha256 }, data }
  }
}
